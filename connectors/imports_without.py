"""Importing a package without a part that is never used: one that reports home, or is slow."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

__all__ = ["imports_without"]

_one_at_a_time = threading.RLock()


@contextmanager
def imports_without(name: str, instead: ModuleType | None = None) -> Iterator[None]:
    """Let imports in this block find ``instead`` under a module's name; None: they find nothing.

    A module that was imported before is left as it is. Afterwards the name stands for what it
    always did: whoever imports it then gets the real one.

    >>> with imports_without("colorsys"):
    ...     import colorsys
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: import of colorsys halted; None in sys.modules
    """
    modules = cast("dict[str, Any]", sys.modules)
    with _one_at_a_time:
        if name in modules:
            yield
            return
        modules[name] = instead
        try:
            yield
        finally:
            del modules[name]
