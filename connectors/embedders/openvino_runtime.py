"""OpenVINO, loaded without its telemetry, and how it is told to use a processor."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from rag_engine.connectors.embedders.turns import Turns
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import Float32Array

__all__ = ["GROUP", "Encoder", "cpu_properties", "load_openvino", "processor_flags", "quickest"]

GROUP = 64
"""Numbers that share a scale where products are computed in eight bits, on both sides: 32 is
slower, and on the sets tried finds no more."""

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
    computed on one stream, so nothing is lost by waiting here.
    """

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._turns = Turns()
        self._alone = threading.Lock()

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
