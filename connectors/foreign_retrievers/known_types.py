"""Whether an object is of a framework's class, without importing the framework."""

from __future__ import annotations

import sys

__all__ = ["is_of"]


def is_of(thing: object, module: str, *names: str) -> bool:
    """Tell whether something is an instance of one of a module's classes.

    Where nobody imported the module, nothing can be.

    >>> from fractions import Fraction
    >>> is_of(Fraction(1, 2), "fractions", "Fraction"), is_of(1, "never.imported", "Fraction")
    (True, False)
    """
    imported = sys.modules.get(module)
    classes = [getattr(imported, name, None) for name in names]
    return isinstance(thing, tuple(each for each in classes if isinstance(each, type)))
