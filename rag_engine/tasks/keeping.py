"""Which of several documents that say the same is kept: rules, and what they come to.

A rule leaves some of a group's documents; the next one chooses among those. What is left in the end
is kept, all of it. Where the rules leave a whole group, because none of them tells its documents
apart, nothing of it is deleted. And nothing is deleted that is not itself a duplicate of something
that is kept: of a chain of versions the last may be far from the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from rag_engine.errors import InvalidInput
from rag_engine.tasks.duplicate_records import DuplicateGroup, ListedDocument
from rag_engine.text.codes import stated_language

__all__ = ["RULES", "KeepingPlan", "keeping_rules", "plan_keeping"]

RULES = (
    "first-added", "last-added", "longest", "shortest", "language:CODE", "source:GLOB",
    "newest:FIELD", "oldest:FIELD",
)  # fmt: skip
"""How rules are written. ``FIELD`` is a field of the metadata: a number, or a date or time as ISO
8601 writes it. Where those of a group are not all there, or not to be compared, it says nothing."""

_Documents = list[ListedDocument]
_Rule = Callable[[_Documents], _Documents]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingPlan:
    """What becomes of groups of duplicates: ids of documents.

    ``deleted`` maps each that goes to one that is kept and says the same; ``undecided`` are the
    groups whose documents no rule tells apart, ``spared`` the documents that duplicate only what is
    deleted itself. ``unfit`` are the rules that fit no document of any group, as they were written:
    of each group the next one decides.
    """

    kept: tuple[str, ...]
    deleted: dict[str, str]
    undecided: tuple[DuplicateGroup, ...]
    spared: tuple[str, ...]
    unfit: tuple[str, ...]


def keeping_rules(written: Sequence[str]) -> list[_Rule]:
    """Read rules, one or more, as ``RULES`` writes them.

    Raises:
        InvalidInput: there are none, or one of them is none.
    """
    if not written:
        raise InvalidInput(f"say which documents are kept: {', '.join(RULES)}")
    return [_rule(text) for text in written]


def _rule(text: str) -> _Rule:
    kind, colon, value = text.partition(":")
    plain: dict[str, _Rule] = {
        "first-added": lambda found: _extreme(found, lambda each: each.added, least=True),
        "last-added": lambda found: _extreme(found, lambda each: each.added, least=False),
        "longest": lambda found: _extreme(found, lambda each: each.characters, least=False),
        "shortest": lambda found: _extreme(found, lambda each: each.characters, least=True),
    }
    if not colon and kind in plain:
        return plain[kind]
    if value and kind == "language":
        code = stated_language(value)
        return lambda found: [each for each in found if each.language == code]
    if value and kind == "source":
        return lambda found: [
            each for each in found if fnmatchcase(each.source, value) or fnmatchcase(each.id, value)
        ]
    if value and kind in {"newest", "oldest"}:
        return lambda found: _by_field(found, value, least=kind == "oldest")
    raise InvalidInput(f"{text!r:.80} is no rule of what is kept; rules are {', '.join(RULES)}")


def _extreme(
    found: _Documents, value: Callable[[ListedDocument], int], *, least: bool
) -> _Documents:
    best = (min if least else max)(map(value, found))
    return [each for each in found if value(each) == best]


def _by_field(found: _Documents, field: str, *, least: bool) -> _Documents:
    """Return those with the least or greatest value; none where one of them can not be placed."""
    keys = _in_order([each.metadata.get(field) for each in found])
    if not keys:
        return []
    best = (min if least else max)(keys)
    return [each for each, key in zip(found, keys, strict=True) if key == best]


def _in_order(values: Sequence[object]) -> list[Any]:
    """Return what values compare by; nothing where not all of them do, with each other.

    Times of day with a zone are compared as moments, and not with those that name none. A day
    without a time is a whole day: beside it of times the day alone counts.

    >>> _in_order(["2024-01-01T09:00:00+02:00", "2024-01-01T07:00:00Z"])[0].utcoffset()
    datetime.timedelta(seconds=7200)
    >>> _in_order(["2024-01-01", "2024-01-01T07:00:00"])
    [datetime.date(2024, 1, 1), datetime.date(2024, 1, 1)]
    >>> _in_order(["2024-01-01", "2024-01-01T07:00:00Z"]), _in_order([2024, None])
    ([], [])
    """
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        return [] if any(each != each for each in values) else list(values)  # NaN
    try:
        moments = [_moment(each) for each in values]
    except ValueError:
        return []
    zoned = {moment.tzinfo is not None for moment, _ in moments}
    if len(zoned) > 1:
        return []
    whole = any(is_day for _, is_day in moments)
    return [moment.date() if whole else moment for moment, _ in moments]


def _moment(value: object) -> tuple[datetime, bool]:
    """Return a date or a time as ISO 8601 writes it, and whether it is a day without a time."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.80} is no text")  # noqa: TRY004
    text = value.strip()
    moment = datetime.fromisoformat(text)
    try:
        date.fromisoformat(text)
    except ValueError:
        return moment, False
    return moment, True


def plan_keeping(groups: Iterable[DuplicateGroup], written: Sequence[str]) -> KeepingPlan:
    """Choose what is kept of groups.

    A document that the rules keep in one group is kept, whatever they say of it in another.

    Raises:
        InvalidInput: ``written`` are no rules.
    """
    rules = keeping_rules(written)
    fit: set[int] = set()
    chosen = [(group, _chosen(list(group.documents), rules, fit)) for group in groups]
    decided = [(group, left) for group, left in chosen if len(left) < len(group.documents)]
    kept = {each.id for _, left in decided for each in left}
    deleted: dict[str, str] = {}
    spared: set[str] = set()
    for group, left in decided:
        beside = _kept_beside(group, [each.id for each in left])
        for document in group.documents:
            if document.id in kept:
                continue
            if document.id in beside:
                deleted.setdefault(document.id, beside[document.id])
            else:
                spared.add(document.id)
    return KeepingPlan(
        kept=tuple(sorted(kept)),
        deleted=deleted,
        undecided=tuple(group for group, left in chosen if len(left) == len(group.documents)),
        spared=tuple(sorted(spared - set(deleted))),
        unfit=tuple(text for place, text in enumerate(written) if chosen and place not in fit),
    )


def _chosen(documents: _Documents, rules: Sequence[_Rule], fit: set[int]) -> _Documents:
    """Return what rules leave; note in ``fit`` the places of those that fit some document."""
    every = documents
    for place, rule in enumerate(rules):
        left = rule(documents)
        if left or rule(every):  # it may fit only what the rules before it did not leave
            fit.add(place)
        documents = left or documents  # a rule that fits none says nothing
    return documents


def _kept_beside(group: DuplicateGroup, kept: Iterable[str]) -> dict[str, str]:
    """Map documents to the first, by id, of what is ``kept`` that they duplicate directly.

    That are their copies, and what one of these makes a pair with, and the copies of it. Copies
    have all that in common, so it is found once for all of them: there may be very many.
    """
    first = {each: those[0] for those in group.copies for each in those}
    among: dict[str, str] = {}
    for each in sorted(kept):
        among.setdefault(first.get(each, each), each)
    beside = dict(among)
    for pair in group.pairs:
        one, other = (first.get(each, each) for each in pair)
        for mine, theirs in ((one, other), (other, one)):
            if theirs in among:
                beside[mine] = min(beside.get(mine, among[theirs]), among[theirs])
    names = ((each.id, first.get(each.id, each.id)) for each in group.documents)
    return {name: beside[those] for name, those in names if those in beside}
