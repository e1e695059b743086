"""A row of named values becomes a text: which values are text, title, id and metadata."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS

__all__ = ["Row", "RowColumns", "RowOptions", "find_column", "is_text_name"]

_TEXT_NAMES = (
    *("text", "body", "content", "contents", "passage", "page_content", "answer", "document"),
    *("article", "abstract", "description", "message", "summary"),
)
_QUESTION_NAMES = ("question",)
_TITLE_NAMES = ("title", "heading", "headline", "subject", "name")
_ID_NAMES = ("id", "_id", "doc_id", "docid", "document_id", "uuid")
_LANGUAGE_NAMES = ("lang", "language", "locale", "language_code")
_WHOLE_NUMBERS = range(-(2**63), 2**63)

Plain = str | int | float | bool
Value = Plain | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """How the rows of a file are read; see the loaders of tables and of JSON Lines."""

    format: str
    """The file's ending without its dot: ``csv``, ``tsv``, ``jsonl`` or ``json``."""
    text: tuple[str, ...] = ()
    title: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] | None = None
    max_line_characters: int = MAX_LINE_CHARACTERS
    max_bytes: int | None = None
    """Of a file that is read whole."""

    def of_file(self, *, format: str, max_bytes: int | None) -> RowOptions:  # noqa: A002
        """Return the options for one file."""
        return replace(self, format=format, max_bytes=max_bytes)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RowOptions:
        """Rebuild what ``as_json`` gave.

        >>> options = RowOptions(format="csv", text=("body",))
        >>> RowOptions.from_json(options.as_json()) == options
        True
        """
        metadata = data.pop("metadata")
        return cls(
            text=tuple(data.pop("text")),
            metadata=None if metadata is None else tuple(metadata),
            **data,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes a document.

    ``key`` is the row's own id, or its number, counted from 1; empty where it is the whole file.
    ``section`` is what stands above the table that the row is from.
    """

    number: int
    key: str
    text: str
    title: str
    language: str | None
    metadata: dict[str, Plain]
    section: tuple[str, ...] = ()

    @property
    def characters(self) -> int:
        """Roughly how long the row is."""
        return len(self.text) + sum(len(str(value)) for value in self.metadata.values())

    def as_json(self) -> tuple[Any, ...]:
        """Return plain JSON data: ``Row(*data)`` is the row again, its section maybe a list."""
        return astuple(self)


def is_text_name(name: str, options: RowOptions) -> bool:
    """Tell whether a field of this name may hold a row's text.

    >>> [is_text_name(name, RowOptions(format="json")) for name in ("Body", "tags")]
    [True, False]
    """
    return name in options.text if options.text else name.strip().lower() in _TEXT_NAMES


def find_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of the ``wanted`` names that a row has, whatever its case.

    >>> find_column(["No", "Title"], ["heading", "title"])
    'Title'
    """
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Which columns of a row are what.

    One text column gives its value as it is; several give a line each, of ``column: value`` if
    they are ``labelled``. ``metadata`` None means every column that is neither text, title nor id.
    """

    text: tuple[str, ...]
    title: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] | None = None
    labelled: bool = True

    @classmethod
    def found_in(
        cls,
        names: Sequence[str],
        options: RowOptions,
    ) -> RowColumns:
        """Fill in what the options leave open, by the columns' names; ``text`` may stay empty.

        >>> names = ["_id", "title", "text", "year"]
        >>> RowColumns.found_in(names, RowOptions(format="csv")).text
        ('text',)
        """
        return cls(
            text=options.text or _text_columns(names),
            title=options.title or find_column(names, _TITLE_NAMES),
            id=options.id or find_column(names, _ID_NAMES),
            metadata=options.metadata,
            labelled=bool(options.text),
        )

    def row(self, values: Mapping[str, Value], *, number: int, file_format: str) -> Row | str:
        """Return a row as what becomes a document, or why it can not be one.

        ``number`` is the row's own, counted from 1; it stands in for a missing id.
        """
        text = self._text(values)
        if not text:
            columns = ", ".join(map(repr, self.text)) or "none of the known names"
            has = ", ".join(sorted(values)[:10])
            return f"row {number}: no text in {columns}; the row has: {has}"
        given_id = _shown(values.get(self.id)) if self.id else ""
        return Row(
            number=number,
            key=given_id or str(number),
            text=text,
            title=one_line(_shown(values.get(self.title))) if self.title else "",
            language=self._language(values),
            metadata={"format": file_format, **self._metadata(values)},
        )

    def _text(self, row: Mapping[str, Value]) -> str:
        values = {name: clean(_shown(row.get(name))).strip() for name in self.text}
        with_label = self.labelled and len(values) > 1
        return "\n".join(
            f"{name}: {value}" if with_label else value for name, value in values.items() if value
        )

    def _language(self, row: Mapping[str, Value]) -> str | None:
        column = find_column(list(row), _LANGUAGE_NAMES)
        value = _shown(row[column]).strip() if column else ""
        return value if value and len(value) <= 35 and value[:2].isalpha() else None

    def _metadata(self, row: Mapping[str, Value]) -> dict[str, Plain]:
        if self.metadata is None:
            names = row.keys() - {*self.text, self.title, self.id}
        else:
            names = set(self.metadata)
        return {
            name: clean(value) if isinstance(value, str) else value
            for name, value in row.items()
            if name in names and value is not None and value != "" and _storable(value)
        }


def _storable(value: str | float) -> bool:
    """Tell whether a database can hold a number and compare it."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str) or value in _WHOLE_NUMBERS


def _text_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Find the column with the text; a question goes with the text that answers it."""
    columns = (find_column(names, _QUESTION_NAMES), find_column(names, _TEXT_NAMES))
    return tuple(name for name in columns if name is not None)


def _shown(value: Value) -> str:
    return "" if value is None else str(value)
