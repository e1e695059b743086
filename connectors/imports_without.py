"""Importing a package without a part that is never used: one that reports home, or is slow."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, cast

__all__ = ["imports_without", "stand_in"]

_one_at_a_time = threading.RLock()


@contextmanager
def imports_without(name: str, instead: ModuleType | None = None) -> Iterator[None]:
    """Let imports in this block find ``instead`` under a module's name; None: they find nothing.

    A module that was imported before is left as it is. Afterwards the name stands for what it
    always did: whoever imports it then gets the real one.

    >>> with imports_without("turtledemo"):
    ...     import turtledemo
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: import of turtledemo halted; None in sys.modules
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


def stand_in(name: str, function: str) -> ModuleType:
    """Return a module with one function, that of the module ``name``: imported when it is called.

    For ``imports_without``, where a package is slow to import for something that few call.

    >>> stand_in("colorsys", "rgb_to_hsv").rgb_to_hsv(1, 1, 1)
    (0.0, 0.0, 1)
    """

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(name), function)(*arguments, **named)

    module = ModuleType(name)
    setattr(module, function, call)
    return module
