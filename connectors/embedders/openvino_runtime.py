"""OpenVINO, loaded without its telemetry, and how it is told to use a processor."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Literal, cast

from rag_engine.errors import InvalidInput, MissingExtra

__all__ = ["GROUP", "cpu_properties", "infer", "load_openvino", "processor_flags", "quickest"]

GROUP = 64
"""Numbers that share a scale where products are computed in eight bits, on both sides: 32 is
slower, and on the sets tried finds no more."""

_KERNELS = 256
"""Kernels of each kind that are kept for the shapes of batches seen last, about 64 shapes: some
300 MB. OpenVINO keeps 5,000, and each new shape took 2 MB for good. Of a shape that is not among
them a batch takes up to a seventh longer."""

_TELEMETRY = "openvino_telemetry"
_import_lock = threading.Lock()


def load_openvino() -> Any:
    """Return the module ``openvino``.

    Its import would report to its makers over the network, from a forked process, and leave a file
    in the user's home. It does not where the package ``openvino_telemetry`` can not be found, and
    so this package is hidden from it meanwhile.

    Raises:
        MissingExtra: openvino is not installed.
    """
    with _import_lock:
        hide = _TELEMETRY not in sys.modules
        if hide:
            cast("dict[str, Any]", sys.modules)[_TELEMETRY] = None
        try:
            import openvino
        except ImportError as exc:
            raise MissingExtra("cpu", package="openvino") from exc
        finally:
            if hide:
                del sys.modules[_TELEMETRY]
    return openvino


def cpu_properties(core: Any, precision: str, threads: int) -> dict[str, object]:
    """Return how an encoder shall be compiled for this processor.

    With ``int8`` products with weights that are kept in eight bits are computed in eight bits (the
    other side rounded as it comes, by groups of a token's numbers), all else in ``auto``.

    Raises:
        InvalidInput: ``precision`` or ``threads`` can not be had.
    """
    eight_bits = precision == "int8"
    if threads < 0:
        raise InvalidInput(f"threads must be 0 (one a core) or more, got {threads}")
    properties: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "CPU_RUNTIME_CACHE_CAPACITY": _KERNELS,
        "INFERENCE_PRECISION_HINT": _precision(core, "auto" if eight_bits else precision),
    }
    if eight_bits:
        properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = GROUP
    if threads:
        # Whoever takes a part of the processor shares it: pinned, all would take the same cores.
        properties |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    return properties


def infer(compiled: Any, inputs: dict[str, Any]) -> Any:
    """Compute a batch, after those that other threads asked for before; return its tensors.

    Started so, it queues; OpenVINO's own ``infer()`` would let a thread with many batches overtake
    the others.
    """
    request = compiled.create_infer_request()
    request.start_async(inputs, share_inputs=True)
    request.wait()
    return request


def quickest(core: Any) -> Literal["int8", "bf16", "f32"]:
    """Return the precision that this processor computes an encoder in fastest.

    Where it multiplies bytes (VNNI) that is ``int8``; with AMX, whose ``bf16`` is as wide, and
    where only that is built in, ``bf16``.
    """
    flags = processor_flags()
    if "amx_bf16" not in flags and flags & {"avx512_vnni", "avx_vnni"}:
        return "int8"
    return "bf16" if _precision(core, "auto") == "bf16" else "f32"


def processor_flags() -> frozenset[str]:
    """Return what Linux says that the processor can do; empty where nobody says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    line_of_flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(line_of_flags.partition(":")[2].split())


def _precision(core: Any, wanted: str) -> str:
    """Return the name of the type that the processor shall compute in."""
    if wanted not in {"auto", "bf16", "f32"}:
        raise InvalidInput(f"precision must be 'auto', 'bf16' or 'f32' here, got {wanted!r}")
    if wanted == "f32":
        return wanted
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "bf16"
    if wanted == "bf16":
        raise InvalidInput("this processor can not compute in 'bf16'; choose 'f32' or 'auto'")
    return "f32"
