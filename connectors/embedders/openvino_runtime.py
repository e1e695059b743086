"""OpenVINO, loaded without its telemetry, and how it is told to use a processor."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

from rag_engine.errors import InvalidInput, MissingExtra

__all__ = ["cpu_properties", "load_openvino"]

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

    Raises:
        InvalidInput: ``precision`` or ``threads`` can not be had.
    """
    if threads < 0:
        raise InvalidInput(f"threads must be 0 (one a core) or more, got {threads}")
    properties: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _precision(core, precision),
    }
    if threads:
        # Whoever takes a part of the processor shares it: pinned, all would take the same cores.
        properties |= {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    return properties


def _precision(core: Any, wanted: str) -> str:
    """Return the name of the type that the processor shall compute in."""
    if wanted not in {"auto", "bf16", "f32"}:
        raise InvalidInput(f"precision must be 'auto', 'bf16' or 'f32', got {wanted!r}")
    if wanted == "f32":
        return wanted
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "bf16"
    if wanted == "bf16":
        raise InvalidInput("this processor can not compute in 'bf16'; choose 'f32' or 'auto'")
    return "f32"
