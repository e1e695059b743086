"""Numbers of a settings object as options of a command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

__all__ = ["add_numbers"]


def add_numbers(
    parser: argparse.ArgumentParser, defaults: object, rows: Iterable[tuple[str, type, str]]
) -> None:
    """Add an option for each field: its name with dashes, its type, and what it is.

    >>> from types import SimpleNamespace
    >>> parser = argparse.ArgumentParser()
    >>> add_numbers(parser, SimpleNamespace(max_tokens=8), [("max-tokens", int, "tokens")])
    >>> parser.parse_args(["--max-tokens", "9"]).max_tokens
    9
    """
    for name, kind, what in rows:
        value = getattr(defaults, name.replace("-", "_"))
        parser.add_argument(
            f"--{name}", type=kind, default=value, metavar="N", help=f"{what} ({value})"
        )
