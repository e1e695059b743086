"""What stands beside a knowledge base while another takes its place, and afterwards."""

from __future__ import annotations

from pathlib import Path

__all__ = ["before_of", "exchange_of", "next_of"]


def next_of(root: Path) -> Path:
    """Return the folder in which the next knowledge base is filled.

    >>> next_of(Path("kb")).name
    'kb.next'
    """
    return root.with_name(f"{root.name}.next")


def before_of(root: Path) -> Path:
    """Return the folder of the knowledge base that was in place before.

    >>> before_of(Path("kb")).name
    'kb.before'
    """
    return root.with_name(f"{root.name}.before")


def exchange_of(root: Path) -> Path:
    """Return the file that says how two folders are changing places.

    >>> exchange_of(Path("kb")).name
    'kb.exchange.json'
    """
    return root.with_name(f"{root.name}.exchange.json")
