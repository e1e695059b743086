"""Building FAISS's indexes on a GPU; searched they are on the CPU, as files can be mapped there.

Written after FAISS's documentation, and not run yet: no GPU could be had. Its build for the CPU
has none of these functions, and says so.
"""

from __future__ import annotations

from typing import Any

from rag_engine.connectors.dense.faiss_index import load_faiss
from rag_engine.errors import InvalidInput

__all__ = ["check_device", "from_device", "to_device"]


def check_device(device: str) -> None:
    """See that indexes can be built on ``device``, ``cpu`` or ``cuda``.

    Raises:
        InvalidInput: another name, or FAISS sees no GPU.
    """
    if device not in {"cpu", "cuda"}:
        raise InvalidInput(f"indexes are built on device 'cpu' or 'cuda', got {device!r}")
    if device == "cuda" and not getattr(load_faiss(), "get_num_gpus", int)():
        raise InvalidInput(
            "device 'cuda' was asked for, and FAISS sees no GPU: use 'cpu', or install "
            "rag-engine[gpu] in an environment without faiss-cpu"
        )


def to_device(index: Any, device: str) -> Any:
    """Return an index to train and to fill: the same one, or an empty copy on the first GPU."""
    if device == "cpu":
        return index
    faiss = load_faiss()
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True  # tables of 96 parts do not fit a GPU's shared memory in float32
    # FAISS's GPU index keeps its resources alive.
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index, options)


def from_device(index: Any, device: str) -> Any:
    """Return a filled index in the CPU's memory."""
    return index if device == "cpu" else load_faiss().index_gpu_to_cpu(index)
