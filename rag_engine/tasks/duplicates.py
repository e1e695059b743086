"""Duplicates in a knowledge base, of passages and of documents: exact, near, translations.

- **exact**: the same text, blanks aside. Titles and metadata do not count.
- **near**: texts of one language that share four fifths of their five-letter shingles and more
  (``same_texts.overlap``). Compared are passages that are each other's neighbours in the index (ten
  of each), and documents that have such passages: of very many versions of one text all are
  found, as each is near some other.
- **translation**: passages that the index knows as translation twins (``calibration.twins``), and
  documents of two languages in which half of the passages of each, or more, have a twin in the
  other.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.calibration.margins import flat_rankings
from rag_engine.health.sample import every_id, in_batches
from rag_engine.ports import IdSelector, Int64Array
from rag_engine.records import MetadataValue
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.view import View
from rag_engine.tasks.same_texts import SAME, grouped, nearly_same, text_key

__all__ = ["DuplicateGroup", "Duplicates", "Kind", "ListedDocument", "find_duplicates"]


class Kind(StrEnum):
    """How documents, or passages, say the same."""

    EXACT = "exact"
    NEAR = "near"
    TRANSLATION = "translation"


_NEIGHBOURS = 10
_NEAR = 0.9
"""The least cosine of passages whose texts are compared."""
_NEAR_IN_DOCUMENTS = 0.8
"""That of passages whose documents are compared: a sentence more, and all are cut elsewhere."""
_HALF = 0.5
_BLOCK = 512
_KEPT_TEXTS = 256

_Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """What tells one document from another: ``added`` is its place in the order of adding.

    ``language`` is that of most of its characters, ``characters`` how many its passages have.
    """

    id: str
    source: str
    title: str
    language: str
    characters: int
    added: int
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Documents that say the same: ``pairs`` are those that do so directly, by their ids."""

    kind: Kind
    documents: tuple[ListedDocument, ...]
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What a knowledge base holds twice.

    ``groups`` are those of documents, by kind and then as they were added; ``passages`` maps a kind
    to groups of passages' ids. ``looked_at`` passages and ``documents`` were compared.
    ``not_looked_at`` passages were added since the index was built: their translations are not
    known yet. ``translations`` tells whether the index looks for any.
    """

    groups: tuple[DuplicateGroup, ...]
    passages: dict[Kind, tuple[tuple[int, ...], ...]]
    looked_at: int
    documents: int
    not_looked_at: int
    translations: bool

    def of(self, kinds: Iterable[Kind]) -> list[DuplicateGroup]:
        """Return the groups of documents of some kinds."""
        wanted = set(kinds)
        return [group for group in self.groups if group.kind in wanted]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "looked_at": self.looked_at,
            "documents": self.documents,
            "translations": self.translations,
            "not_looked_at": self.not_looked_at,
            "passages": {kind.value: list(map(list, self.passages[kind])) for kind in Kind},
            "groups": [
                {
                    "kind": group.kind.value,
                    "documents": [_listed(document) for document in group.documents],
                    "pairs": list(map(list, group.pairs)),
                }
                for group in self.groups
            ],
        }


def _listed(document: ListedDocument) -> dict[str, Any]:
    return {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "language": document.language,
        "characters": document.characters,
    }


@dataclass(frozen=True, slots=True)
class _Read:
    """All passages by ascending ids, ``n``, and the documents that they are of."""

    ids: Int64Array
    keys: Sequence[int]
    of: Sequence[int]
    """The place of each passage's document."""
    documents: Sequence[ListedDocument]
    digests: Sequence[bytes]
    """Of the documents' texts."""

    def place(self, passage: int) -> int:
        return self.of[int(np.searchsorted(self.ids, passage))]


def find_duplicates(view: View, *, on_stage: OnStage = silent) -> Duplicates:
    """Compare all passages and documents of a lenient ``view``."""
    read = _read(view, on_stage)
    exact = _equal(read.keys)
    firsts = np.array([read.ids[group[0]] for group in exact.values()], dtype=np.int64)
    near, akin = _near(view, read, firsts, on_stage)
    twins = view.snapshot.twins.pairs
    twins = twins[np.isin(twins, read.ids).all(axis=1)]
    twin_pairs = [(int(one), int(other)) for one, other in twins.tolist()]
    copies = [[int(read.ids[row]) for row in group] for group in exact.values() if len(group) > 1]
    on_stage("comparing documents", 0, 0)
    found: dict[Kind, _Pairs] = {kind: set() for kind in Kind}
    for group in _equal(read.digests).values():
        found[Kind.EXACT] |= {(group[0], each) for each in group[1:]}
    found[Kind.NEAR] = _near_documents(view, read, [*copies, *map(list, akin)])
    found[Kind.TRANSLATION] = _translated(read, twin_pairs)
    segments = view.snapshot.segments
    return Duplicates(
        groups=tuple(
            group for kind in Kind for group in _groups(kind, found[kind], read.documents)
        ),
        passages={
            Kind.EXACT: tuple(map(tuple, copies)),
            Kind.NEAR: _sorted_groups(near),
            Kind.TRANSLATION: _sorted_groups(twin_pairs),
        },
        looked_at=len(read.ids),
        documents=len(read.documents),
        not_looked_at=sum(map(len, segments[1:])),
        translations=view.snapshot.offsets.enabled,
    )


def _read(view: View, on_stage: OnStage) -> _Read:
    every = every_id(view.snapshot)
    ids: list[int] = []
    keys: list[int] = []
    of: list[int] = []
    places: dict[str, int] = {}
    heads: list[tuple[str, str, str, Mapping[str, MetadataValue], int]] = []
    characters: list[Counter[str]] = []
    digests: list[Any] = []
    for batch in in_batches(every):
        found = view.chunks(batch)
        for identifier in batch:
            if identifier not in found:
                continue
            each = found[identifier]
            chunk = each.chunk
            place = places.setdefault(chunk.document_id, len(places))
            if place == len(heads):
                head = (chunk.document_id, each.source, each.title, each.metadata, identifier)
                heads.append(head)
                characters.append(Counter())
                digests.append(hashlib.blake2b(digest_size=16))
            ids.append(identifier)
            keys.append(text_key(chunk.text))
            of.append(place)
            characters[place][chunk.language] += len(chunk.text)
            for word in chunk.text.split():
                digests[place].update(f"{word} ".encode())
        on_stage("reading passages", len(ids), len(every))
    documents = [
        ListedDocument(
            id=name,
            source=source,
            title=title,
            metadata=metadata,
            added=added,
            language=max(sorted(counts), key=counts.__getitem__),
            characters=counts.total(),
        )
        for (name, source, title, metadata, added), counts in zip(heads, characters, strict=True)
    ]
    digested = [digest.digest() for digest in digests]
    return _Read(np.array(ids, dtype=np.int64), keys, of, documents, digested)


def _equal(keys: Iterable[Any]) -> dict[Any, list[int]]:
    """Return the places of each key."""
    places: dict[Any, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return places


def _near(
    view: View, read: _Read, firsts: Int64Array, on_stage: OnStage
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the pairs of passages that nearly are the same, and those that are as near at least.

    Of passages with the same text the first is looked at, ``firsts``.
    """
    snapshot = view.snapshot
    near: list[tuple[int, int]] = []
    akin: list[tuple[int, int]] = []
    firsts = np.sort(firsts)
    for start in range(0, len(firsts), _BLOCK):
        ids = firsts[start : start + _BLOCK]
        vectors, codes = snapshot.vectors(ids)
        centred = subtract_and_normalise(vectors, snapshot.language_offsets[codes])
        rankings = snapshot.search_dense(centred, _NEIGHBOURS + 1, IdSelector(firsts))
        rows, others, cosines = flat_rankings(rankings)
        close = (cosines >= _NEAR_IN_DOCUMENTS) & (ids[rows] != others)
        close &= snapshot.language_codes(others) == codes[rows]
        pairs = {
            (min(one, other), max(one, other)): cosine
            for one, other, cosine in zip(
                ids[rows[close]].tolist(), others[close].tolist(), cosines[close], strict=True
            )
        }
        akin += pairs
        both = sorted(pair for pair, cosine in pairs.items() if cosine >= _NEAR)
        texts = view.chunks(sorted({each for pair in both for each in pair}))
        near += [
            (one, other)
            for one, other in both
            if one in texts
            and other in texts
            and nearly_same(texts[one].chunk.text, texts[other].chunk.text)
        ]
        on_stage("comparing passages", start + len(ids), len(firsts))
    return near, akin


def _near_documents(view: View, read: _Read, alike: Iterable[Sequence[int]]) -> _Pairs:
    """Return the pairs of documents that nearly are the same; those that are, are left out.

    ``alike`` are groups of passages; of a large one (a footer that all documents have) each is
    compared with the first and the one before it.
    """
    candidates: _Pairs = set()
    for group in alike:
        places = sorted({read.place(passage) for passage in group})
        candidates |= set(pairwise(places))
        candidates |= {(places[0], other) for other in places[1:]}
    passages: dict[int, list[int]] = defaultdict(list)
    wanted = {place for pair in candidates for place in pair}
    for passage, place in zip(read.ids.tolist(), read.of, strict=True):
        if place in wanted:
            passages[place].append(passage)

    @lru_cache(maxsize=_KEPT_TEXTS)
    def text(place: int) -> str:
        found = view.chunks(passages[place])
        return " ".join(found[each].chunk.text for each in passages[place] if each in found)

    def may_be(one: int, other: int) -> bool:
        lengths = sorted(read.documents[place].characters for place in (one, other))
        same_language = read.documents[one].language == read.documents[other].language
        return (
            same_language
            and lengths[0] >= SAME * lengths[1]
            and read.digests[one] != read.digests[other]
        )

    return {
        (one, other)
        for one, other in sorted(candidates)
        if may_be(one, other) and nearly_same(text(one), text(other))
    }


def _translated(read: _Read, twins: Iterable[tuple[int, int]]) -> _Pairs:
    """Return the pairs of documents of which half of the passages are twins of the other's."""
    counts = Counter(read.of)
    members: dict[tuple[int, int], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for one, other in twins:
        (first, its), (second, others) = sorted(
            ((read.place(one), one), (read.place(other), other))
        )
        if first != second:
            mine, theirs = members[first, second]
            mine.add(its)
            theirs.add(others)
    return {
        (one, other)
        for (one, other), (mine, theirs) in members.items()
        if read.documents[one].language != read.documents[other].language
        and len(mine) >= _HALF * counts[one]
        and len(theirs) >= _HALF * counts[other]
    }


def _sorted_groups(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted(tuple(sorted(group)) for group in grouped(pairs)))


def _groups(
    kind: Kind, pairs: _Pairs, documents: Sequence[ListedDocument]
) -> Iterator[DuplicateGroup]:
    ordered = sorted(pairs)
    for group in sorted(sorted(each) for each in grouped(ordered)):
        inside = set(group)
        yield DuplicateGroup(
            kind=kind,
            documents=tuple(documents[place] for place in group),
            pairs=tuple(
                (documents[one].id, documents[other].id) for one, other in ordered if one in inside
            ),
        )
