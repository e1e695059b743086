"""OpenVINO, loaded without its telemetry."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

from rag_engine.errors import MissingExtra

__all__ = ["load_openvino"]

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
