"""OpenVINO, loaded without its telemetry, and how it is told to use a processor."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rag_engine.connectors.embedders.turns import Turns
from rag_engine.connectors.imports_without import imports_without, stand_in
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import Float32Array
from rag_engine.settings import Precision

__all__ = [
    "GROUP",
    "Encoder",
    "computed_in",
    "cpu_properties",
    "lacking",
    "load_openvino",
    "processor_flags",
    "quickest",
]

GROUP = 64
"""Numbers that share a scale where products are computed in eight bits, on both sides: 32 is
slower, and on the sets tried finds no more."""

_FAST = {
    "sse2": {
        "AVX2": {"avx2"},
        "AVX-512": {"avx512f"},
        "VNNI": {"avx512_vnni", "avx_vnni"},
        "bfloat16": {"avx512_bf16", "amx_bf16"},
        "AMX": {"amx_bf16"},
    },
    "asimd": {
        "products of bytes (asimddp)": {"asimddp"},
        "products of matrices of bytes (i8mm)": {"i8mm"},
        "bfloat16": {"bf16"},
        "SVE": {"sve"},
    },
}
"""By a flag that all processors of a family have: what is fast, and the flags that tell of it."""


def load_openvino() -> Any:
    """Return the module ``openvino``.

    Its import would report to its makers over the network, from a forked process, and leave a file
    in the user's home. It does not where the package ``openvino_telemetry`` can not be found, and
    so this package is hidden from it meanwhile. What converts models from other frameworks, which
    takes a third of the time, is imported when somebody calls it.

    Raises:
        MissingExtra: openvino is not installed.
    """
    converter = "openvino.tools.ovc"
    with (
        imports_without("openvino_telemetry"),
        imports_without(converter, stand_in(converter, "convert_model")),
    ):
        try:
            import openvino
        except ImportError as exc:
            raise MissingExtra("cpu", package="openvino") from exc
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
        "INFERENCE_PRECISION_HINT": _precision(core, "auto" if eight_bits else precision),
    }
    if eight_bits:
        properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = GROUP
    if threads:
        # Whoever takes a part of the processor shares it: pinned, all would take the same cores.
        properties |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    return properties


class Encoder:
    """A compiled model, of which one batch after the other is computed, in the order they came.

    Many threads may use it; all of them share one request, which is made before any batch is
    computed. To make one, OpenVINO (2026.4) reads what the model's ends look like, and to compute a
    batch of another shape replaces that: where both happen at once, the process dies. A model is
    computed on one stream, so nothing is lost by waiting here. ``memory`` is what the model reads
    from meanwhile, if that is not its own.
    """

    def __init__(self, compiled: Any, memory: object = None) -> None:
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._turns = Turns()
        self._alone = threading.Lock()
        self._memory = memory

    def turn(self) -> AbstractContextManager[None]:
        """Wait until no other thread is before this one; batches of the block are computed next."""
        return self._turns.turn()

    def compute(self, inputs: dict[str, Any], outputs: Sequence[Any]) -> list[Float32Array]:
        """Compute a batch, after those that other threads asked for before; return what is named.

        ``inputs`` are arrays by the model's names for them, ``outputs`` such names, or the model's
        own outputs.
        """
        with self._turns.turn(), self._alone:
            # Whoever was interrupted before this may have left while its batch was computed.
            self._request.wait()
            self._request.start_async(inputs, share_inputs=True)
            self._request.wait()
            return [np.array(self._request.get_tensor(name).data) for name in outputs]

    def kernels(self) -> dict[str, int]:
        """Return what computes the products with the weights, and how many of them, by OpenVINO.

        It chooses when a batch is computed: before the first one the names say nothing.
        """
        with self._turns.turn(), self._alone:
            self._request.wait()
            nodes = [node.get_rt_info() for node in self._compiled.get_runtime_model().get_ops()]
        return dict(
            Counter(
                node["primitiveType"].astype(str)
                for node in nodes
                if node["layerType"].astype(str).startswith("FullyConnected")
            )
        )


def quickest(core: Any) -> Literal["int8", "bf16", "f32"]:
    """Return the precision that this processor computes an encoder in fastest.

    Where it multiplies bytes (VNNI) that is ``int8``; with AMX, whose ``bf16`` is as wide, and
    where only that is built in, ``bf16``.
    """
    return computed_in(core, "int8")


def computed_in(core: Any, precision: Precision) -> Literal["int8", "bf16", "f32"]:
    """Return what products with the weights are really computed in, where ``precision`` is wanted.

    With ``int8`` these are bytes only where the processor multiplies them and has no AMX; elsewhere
    OpenVINO (2026.4) makes bfloat16 or float32 of the weights again, and what is gained is memory.
    """
    flags = processor_flags()
    if precision == "int8" and "amx_bf16" not in flags and flags & {"avx512_vnni", "avx_vnni"}:
        return "int8"
    if precision == "auto":
        return quickest(core)
    wanted = "auto" if precision == "int8" else precision
    return "bf16" if _precision(core, wanted) == "bf16" else "f32"


def lacking() -> tuple[str, ...] | None:
    """Name what makes products fast and is not built into this processor; None: nobody says.

    On Linux alone it is told, for x86 (VNNI multiplies bytes) and for ARM (``asimddp``, ``i8mm``).
    """
    flags = processor_flags()
    for family, wanted in _FAST.items():
        if family in flags:
            return tuple(name for name, any_of in wanted.items() if not flags & any_of)
    return None


def processor_flags() -> frozenset[str]:
    """Return what Linux says that the processor can do; empty where nobody says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    line_of_flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
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
