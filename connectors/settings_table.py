"""The table of all settings in ``connectors/README.md``, made from their classes.

``python -m rag_engine.connectors.settings_table`` writes it anew, between two markers.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rag_engine.settings import Settings
from rag_engine.settings.base import Frozen, Kind

__all__ = ["BEGIN", "COMMAND", "END", "README", "effects", "renewed", "settings_table"]

README = Path(__file__).resolve().parent / "README.md"
COMMAND = "python -m rag_engine.connectors.settings_table"
BEGIN = f"<!-- settings: written by `{COMMAND}` -->"
END = "<!-- end of settings -->"


def settings_table() -> str:
    """Return the settings as markdown: a heading, what it is for and a table, for each stage."""
    return "\n".join(line for stage in Settings.model_fields for line in _stage(stage))


def renewed(text: str) -> str:
    """Return a text with the table between its markers written anew.

    Raises:
        ValueError: a marker is not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the markers {BEGIN!r} and {END!r} are missing")
    return f"{before}{BEGIN}\n\n{settings_table()}\n{END}{after}"


def _stage(stage: str) -> Iterator[str]:
    default = Settings.model_fields[stage].default
    several = isinstance(default, Kind)
    classes: list[type[Frozen]] = list(default.kinds()) if several else [type(default)]
    owner = classes[0].__mro__[1] if several else classes[0]
    yield f"### `[{stage}]`"
    yield ""
    yield " ".join((owner.__doc__ or "").split()).replace("``", "`")
    yield ""
    if several:
        yield f"| setting | {default.choice} | default | allowed | effect |"
        yield "|---|---|---|---|---|"
    else:
        yield "| setting | default | allowed | effect |"
        yield "|---|---|---|---|"
    rows: dict[tuple[str, ...], list[str]] = {}
    for part in classes:
        names = list(part.names()) if issubclass(part, Kind) else []
        for name, field in part.model_fields.items():
            row = (name, _default(field), _allowed(field), effects(part).get(name, ""))
            if several and name == default.choice:
                chosen = " (the default)" if part is type(default) else ""
                row = (name, "", ", ".join(f"`{kind}`" for kind in names), f"{row[-1]}{chosen}")
            rows.setdefault(row, []).extend(names)
    for (name, *cells), kinds in rows.items():
        used_by = [", ".join(f"`{kind}`" for kind in kinds)] if several else []
        yield f"| `{name}` | {' | '.join((*used_by, *cells))} |"
    yield ""


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    if value in ("", (), {}):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(field: FieldInfo) -> str:
    limits = {"ge": "from", "gt": "above", "le": "to"}
    told = [
        f"{word} {getattr(limit, name)}"
        for name, word in limits.items()
        for limit in field.metadata
        if hasattr(limit, name)
    ]
    return " ".join((_type(field.annotation), *told))


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in {Union, UnionType}:
        return _type(next(part for part in get_args(annotation) if part is not NoneType))
    names = {bool: "`true`, `false`", int: "whole number", float: "number", str: "text"}
    return names.get(annotation, "table" if get_origin(annotation) is dict else "list")


def effects(part: type[Frozen]) -> dict[str, str]:
    """Return what stands below each field of a class, as markdown.

    Read from the source here, and not by pydantic when the class is made: that costs every
    program that imports the settings more than all the rest of them.

    >>> effects(type(Settings().lexical))["kind"][:20]
    '`tantivy`: on disk; '
    """
    told: dict[str, str] = {}
    for base in reversed([base for base in part.__mro__ if issubclass(base, Frozen)]):
        (drawn,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(drawn, ast.ClassDef)
        for field, below in pairwise(drawn.body):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                text = " ".join(str(below.value.value).split())
                told[field.target.id] = text.replace("``", "`")
    return told


def main() -> int:
    """Write the table into the README."""
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"written: {README}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
