"""Options that several commands have."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag_engine.errors import InvalidFilter, InvalidInput
from rag_engine.filters import Equals, Filter, Or, all_of, in_languages
from rag_engine.location import Location, parse_location
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.output_files import write_lines
from rag_engine.records import MetadataValue

__all__ = [
    "HistoryFile",
    "InLanguages",
    "Instruction",
    "KbDir",
    "KbDirs",
    "KeptKbDir",
    "OtherFormulations",
    "Question",
    "QuestionLanguage",
    "ReportFile",
    "ServedKb",
    "SettingsFile",
    "Where",
    "checked_file",
    "chosen_filter",
    "kb_location",
    "write_report",
]


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_INT64 = 2**63
_LONGEST_WHOLE = 40
"""Characters; ``int`` takes long for thousands of digits, and refuses more."""


def checked_file(path: Path | None) -> Path | None:
    """Refuse a file that can not be written in the end, before the work is done."""
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: there is no folder {path.parent}; make it first")
    return path


def kb_location(text: str) -> Location:
    """Read where a knowledge base is.

    Raises:
        typer.BadParameter: an address that can not be meant.
    """
    try:
        return parse_location(text)
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from error


if TYPE_CHECKING:
    _Location = Location
else:
    _Location = Any  # Typer knows no unions; the parser says what it is

KbDir = Annotated[
    _Location,
    typer.Option(
        "--kb",
        metavar="DIR",
        parser=kb_location,
        help="The knowledge base: its folder, or postgresql://USER@HOST/DATABASE?kb=NAME.",
    ),
]
KbDirs = Annotated[
    list[_Location],
    typer.Option(
        "--kb",
        metavar="DIR",
        parser=kb_location,
        help="The knowledge base; given again: several, asked as one.",
    ),
]
ServedKb = Annotated[
    _Location | None,
    typer.Option("--kb", metavar="DIR", parser=kb_location, help="One knowledge base."),
]
KeptKbDir = Annotated[
    Path | None, typer.Option("--kb", metavar="DIR", help="Keep the knowledge base there.")
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="TOML",
        help="A TOML file of settings.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the data as JSON.", callback=checked_file),
]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="In any language.")]
QuestionLanguage = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="LANGUAGE",
        help="The question's language.",
        show_default="detected",
    ),
]
OtherFormulations = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="TEXT",
        help="The question in other words or another language; may be repeated.",
    ),
]
HistoryFile = Annotated[
    Path | None,
    typer.Option(
        "--history",
        metavar="FILE",
        help="What was said before: a JSON file, a list of messages with role (user, assistant) "
        "and content, oldest first.",
    ),
]
Instruction = Annotated[
    str | None,
    typer.Option(
        "--instruction",
        metavar="TEXT",
        help="What is looked for, said to a model that was trained with instructions.",
        show_default="the model's usual task",
    ),
]
InLanguages = Annotated[
    list[str] | None,
    typer.Option(
        "--in", metavar="LANGUAGE", help="Only passages in this language; may be repeated."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only passages whose metadata say so; may be repeated.",
    ),
]


def chosen_filter(languages: list[str] | None, where: list[str] | None) -> Filter | None:
    """Return what ``--in`` and ``--where`` leave, as a filter; None without either.

    Raises:
        InvalidInput: an ``--in`` that is no language code.
        InvalidFilter: a ``--where`` that is not ``KEY=VALUE``.

    >>> chosen_filter(None, ["year=2024"])
    Or(parts=(Equals(key='year', value='2024'), Equals(key='year', value=2024)))
    """
    parts: list[Filter] = []
    for text in where or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidFilter(f"--where takes KEY=VALUE, got {text!r}")
        # The command line can not tell a text from a number, so either may match.
        parts.append(Or(*(Equals(key, reading) for reading in _readings(value))))
    return all_of(in_languages(languages or None), *parts)


def _readings(value: str) -> list[MetadataValue]:
    readings: list[MetadataValue] = [value]
    if value in {"true", "false"}:
        readings.append(value == "true")
    number = _number(value)
    return readings if number is None else [*readings, number]


def _number(value: str) -> int | float | None:
    """Return the number that a text is, in digits of any script; None: it is none.

    Python itself reads more: ``nan``, ``inf``, ``1_000``, blanks around a number.

    >>> [_number(text) for text in ("2024", "-.5", "٢٠٢٤", "1_000", "nan", "1e400")]
    [2024, -0.5, 2024, None, None, None]
    """
    if not _NUMBER.fullmatch(value):
        return None
    if value.lstrip("+-").isdecimal() and len(value) <= _LONGEST_WHOLE:
        whole = int(value)
        if -_INT64 <= whole < _INT64:
            return whole
    number = float(value)  # what no field can hold exactly, it may hold as a float
    return number if math.isfinite(number) else None


def write_report(outcome: Outcome, path: Path | None) -> Outcome:
    """Write the data of an outcome as JSON, if a file is named; return the outcome.

    Raises:
        StorageFailed: it can not be written.
    """
    if path is not None:
        text = json.dumps(outcome.data, indent=2, ensure_ascii=False)
        write_lines(path, "writing the report", [text])
    return outcome
