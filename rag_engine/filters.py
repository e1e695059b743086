"""Filters: a small typed tree that each connector compiles; never an expression string.

>>> keep = And(Equals("format", "pdf"), In("language", ("de", "fr")))
>>> keep.parts[1].values
('de', 'fr')
>>> Equals("a'; DROP TABLE chunk", 1)
Traceback (most recent call last):
    ...
rag_engine.errors.InvalidFilter: a filter key is a letter or underscore, then at most 63 letters, \
digits, '_', '.' or '-', got "a'; DROP TABLE chunk"
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag_engine.errors import InvalidFilter
from rag_engine.records import UNDETERMINED, MetadataValue
from rag_engine.search_arguments import checked_language

__all__ = [
    "CHUNK_KEYS",
    "MOST_IN_LIST",
    "And",
    "Equals",
    "Filter",
    "In",
    "Not",
    "Or",
    "Range",
    "all_of",
    "check_filter",
    "in_languages",
    "matching",
]

CHUNK_KEYS = frozenset({"document_id", "language", "page", "source", "title"})
"""Keys that name a field of the chunk or its document; every other key is one of its metadata."""

MOST_IN_LIST = 10_000
"""So many values ``In`` takes at most, and so many parts ``And`` and ``Or``."""

_KEY = re.compile(r"[^\W\d][\w.\-]{0,63}")
_MAX_DEPTH = 32
_INT64 = 2**63


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidFilter(
            "a filter key is a letter or underscore, then at most 63 letters, digits, '_', '.' "
            f"or '-', got {key!r:.80}"
        )


def _check_value(key: str, value: object) -> None:
    if not isinstance(value, str | int | float | bool):
        raise InvalidFilter(
            f"filter {key!r}: a value is a text, number or boolean, got {type(value).__name__}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidFilter(f"filter {key!r}: a number must be finite, got {value!r}")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidFilter(f"filter {key!r}: a whole number must fit 64 bits, got {value!r:.40}")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidFilter(f"filter {key!r}: the text holds a lone surrogate") from error


@dataclass(frozen=True, slots=True)
class Equals:
    """The field ``key`` is exactly ``value``: same value and same kind (1 is not "1")."""

    key: str
    value: MetadataValue

    def __post_init__(self) -> None:
        _check_key(self.key)
        _check_value(self.key, self.value)


@dataclass(frozen=True, slots=True)
class In:
    """The field ``key`` is one of ``values``; no values: nothing matches."""

    key: str
    values: tuple[MetadataValue, ...]

    def __post_init__(self) -> None:
        _check_key(self.key)
        if not isinstance(self.values, tuple) or len(self.values) > MOST_IN_LIST:
            raise InvalidFilter(
                f"filter {self.key!r}: values is a tuple of at most {MOST_IN_LIST:,}, got "
                f"{_told_list(self.values)}"
            )
        for value in self.values:
            _check_value(self.key, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The field ``key`` is a number, ``minimum`` <= field <= ``maximum``; None: no bound."""

    key: str
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        _check_key(self.key)
        for bound in (self.minimum, self.maximum):
            if bound is None:
                continue
            _check_value(self.key, bound)
            if isinstance(bound, str | bool):
                raise InvalidFilter(f"filter {self.key!r}: a bound is a number, got {bound!r:.80}")


class _Branch:
    __slots__ = ()

    def _check_parts(self, parts: tuple[object, ...]) -> None:
        if len(parts) > MOST_IN_LIST:
            raise InvalidFilter(
                f"And and Or take at most {MOST_IN_LIST:,} parts, got {len(parts):,}; "
                "In(key, values) takes many values of one key"
            )
        for part in parts:
            if not isinstance(part, Equals | In | Range | And | Or | Not):
                raise InvalidFilter(
                    f"a filter holds Equals, In, Range, And, Or, Not; got {type(part).__name__}"
                )
        if _depth(self) > _MAX_DEPTH:
            raise InvalidFilter(f"a filter is at most {_MAX_DEPTH} levels deep")


@dataclass(frozen=True, slots=True, init=False)
class And(_Branch):
    """Every part matches; no parts: everything matches."""

    parts: tuple[Filter, ...]

    def __init__(self, *parts: Filter) -> None:
        object.__setattr__(self, "parts", parts)
        self._check_parts(parts)


@dataclass(frozen=True, slots=True, init=False)
class Or(_Branch):
    """At least one part matches; no parts: nothing matches."""

    parts: tuple[Filter, ...]

    def __init__(self, *parts: Filter) -> None:
        object.__setattr__(self, "parts", parts)
        self._check_parts(parts)


@dataclass(frozen=True, slots=True)
class Not(_Branch):
    """The part does not match."""

    part: Filter

    def __post_init__(self) -> None:
        self._check_parts((self.part,))


Filter = Equals | In | Range | And | Or | Not
"""Any node of the tree."""


def all_of(*filters: Filter | None) -> Filter | None:
    """Return what lets through only what all of ``filters`` do; None lets everything through.

    >>> all_of(None, Equals("year", 2024))
    Equals(key='year', value=2024)
    """
    parts = [part for part in filters if part is not None]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(*parts)


def matching(values: Mapping[str, MetadataValue]) -> Filter:
    """Return the filter for fields that must have exactly these values.

    Raises:
        InvalidFilter: a key or value that no filter may have.

    >>> matching({"year": 2024})
    And(parts=(Equals(key='year', value=2024),))
    """
    return And(*(Equals(key, value) for key, value in values.items()))


def check_filter(where: object) -> None:
    """Refuse what is no filter, such as a dict of wanted values; None is none, and allowed.

    Raises:
        InvalidFilter: it is none.

    >>> check_filter({"year": 2024})
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidFilter: a filter is an Equals, In, Range, And, Or or Not of \
rag_engine, got {'year': 2024}; filters.matching({...}) makes one of wanted values
    """
    if where is not None and not isinstance(where, Filter):
        raise InvalidFilter(
            f"a filter is an Equals, In, Range, And, Or or Not of rag_engine, got {where!r:.80}; "
            "filters.matching({...}) makes one of wanted values"
        )


def in_languages(languages: Iterable[str] | None) -> Filter | None:
    """Return the filter for passages in these languages; None, not an empty list, is no filter.

    ``und`` stands for passages whose language could not be told.

    Raises:
        InvalidInput: one of them is no language code.

    >>> in_languages(["DE-at", "fr"])
    In(key='language', values=('de', 'fr'))
    """
    if languages is None:
        return None
    codes = (name if name == UNDETERMINED else checked_language(name) for name in languages)
    return In("language", tuple(code for code in codes if code))


def _told_list(values: object) -> str:
    return f"{len(values):,}" if isinstance(values, tuple) else type(values).__name__


def _depth(node: object) -> int:
    if isinstance(node, And | Or):
        return 1 + max((_depth(part) for part in node.parts), default=0)
    if isinstance(node, Not):
        return 1 + _depth(node.part)
    return 1
