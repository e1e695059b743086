"""Duplicates in a knowledge base, of passages and of documents: exact, near, translations.

- **exact**: the same text, blanks aside. Titles and metadata do not count.
- **near**: texts of one language that share four fifths of their five-letter shingles and more
  (``same_texts.overlap``), and all numbers in digits. Compared are passages that are each other's
  neighbours in the index (ten of each), and documents that have such passages: of very many
  versions of one text all are found, as each is near some other.
- **translation**: translation twins (``calibration.twins``), and documents of two languages in
  which half of the passages of each, or more, have a twin in the other. They are looked for anew,
  of passages with the same text the first alone: a copy beside a twin hides it from the index,
  which asks that a twin is nearer than whatever comes next. A near duplicate still does. And they
  are to be nearer than twins need to be: what goes by a wrong one is lost.

Exact copies belong to every group of what they copy. Documents that are pictures say the same only
where they are one picture: of two, nothing is said by captions that agree, or by names of files.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.language_means import subtract_and_normalise
from rag_engine.calibration.margins import flat_rankings
from rag_engine.calibration.twins import mine_twins, number_mark
from rag_engine.health.sample import every_id, in_batches
from rag_engine.images.document_image import image_of
from rag_engine.ports import Float32Array, IdSelector, Int64Array, Ranking
from rag_engine.records import MetadataValue
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.row_codec import unpack_terms
from rag_engine.store.view import View
from rag_engine.tasks.duplicate_records import (
    DuplicateGroup,
    Duplicates,
    Kind,
    ListedDocument,
)
from rag_engine.tasks.same_texts import SAME, grouped, nearly_same, text_key
from rag_engine.text.analysis import numbers_among

__all__ = ["find_duplicates"]


_NEIGHBOURS = 10
_NEAR = 0.9
"""The least cosine of passages whose texts are compared."""
_NEAR_IN_DOCUMENTS = 0.8
"""That of passages whose documents are compared: a sentence more, and all are cut elsewhere."""
_TRANSLATION = 0.6
"""The least cosine of translations, centred at full strength. Twins, which a search only shows
together, are nearer than 0.5. Among SIB-200's sentences in 12 languages, two thirds of them without
a translation, it takes precision from 0.845 to 0.986 and recall from 0.831 to 0.567; it was chosen
there, and is measured on 12 other languages."""
_HALF = 0.5
_BLOCK = 512
_KEPT_TEXTS = 256

_Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Read:
    """All passages by ascending ids, ``n``, and the documents that they are of."""

    ids: Int64Array
    keys: Sequence[tuple[int, str | None]]
    """Of the texts, and the pictures that they are of."""
    numbers: npt.NDArray[np.uint64]
    """What numbers each holds (``calibration.twins.number_mark``)."""
    of: Sequence[int]
    """The place of each passage's document."""
    documents: Sequence[ListedDocument]
    digests: Sequence[bytes]
    """Of the documents' texts, and pictures."""

    def place(self, passage: int) -> int:
        return self.of[int(np.searchsorted(self.ids, passage))]

    def of_one_picture(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the pairs of passages that are of the same picture, or both of none."""
        rows = {int(each): row for row, each in enumerate(self.ids)}
        return [
            (one, other)
            for one, other in pairs
            if self.keys[rows[one]][1] == self.keys[rows[other]][1]
        ]


def find_duplicates(view: View, *, on_stage: OnStage = silent) -> Duplicates:
    """Compare all passages and documents of a lenient ``view``."""
    read = _read(view, on_stage)
    exact = _equal(read.keys)
    firsts = np.sort(np.array([group[0] for group in exact.values()], dtype=np.intp))
    near, akin = map(read.of_one_picture, _near(view, read.ids[firsts], on_stage))
    twins = read.of_one_picture(_twins(view, read.ids[firsts], read.numbers[firsts], on_stage))
    copies = [[int(read.ids[row]) for row in group] for group in exact.values() if len(group) > 1]
    first_of = {each: group[0] for group in copies for each in group}
    on_stage("comparing documents", 0, 0)
    found: dict[Kind, _Pairs] = {kind: set() for kind in Kind}
    same = [group for group in _equal(read.digests).values() if len(group) > 1]
    found[Kind.EXACT] = {(group[0], each) for group in same for each in group[1:]}
    repeated = {each for group in same for each in group[1:]}
    found[Kind.NEAR] = _near_documents(view, read, [*copies, *map(list, akin)], repeated)
    found[Kind.TRANSLATION] = _translated(read, twins, first_of, repeated)
    return Duplicates(
        groups=tuple(
            group for kind in Kind for group in _groups(kind, found[kind], read.documents, same)
        ),
        passages={
            Kind.EXACT: tuple(map(tuple, copies)),
            Kind.NEAR: _sorted_groups(near),
            Kind.TRANSLATION: _sorted_groups(twins),
        },
        looked_at=len(read.ids),
        documents=len(read.documents),
        translations=view.snapshot.offsets.enabled,
    )


def _read(view: View, on_stage: OnStage) -> _Read:
    every = every_id(view.snapshot)
    ids: list[int] = []
    keys: list[tuple[int, str | None]] = []
    numbers: list[int] = []
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
            image = image_of(each.metadata)
            place = places.setdefault(chunk.document_id, len(places))
            if place == len(heads):
                head = (chunk.document_id, each.source, each.title, each.metadata, identifier)
                heads.append(head)
                characters.append(Counter())
                digests.append(hashlib.blake2b(f"{image or ''}\0".encode(), digest_size=16))
            ids.append(identifier)
            keys.append((text_key(chunk.text), image))
            numbers.append(number_mark(numbers_among(unpack_terms(each.packed_terms))))
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
    marks = np.array(numbers, dtype=np.uint64)
    return _Read(np.array(ids, dtype=np.int64), keys, marks, of, documents, digested)


def _equal(keys: Iterable[Any]) -> dict[Any, list[int]]:
    """Return the places of each key."""
    places: dict[Any, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return places


def _near(
    view: View, firsts: Int64Array, on_stage: OnStage
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the pairs of passages that nearly are the same, and those that are as near at least.

    ``firsts`` are the first of those with the same text, ascending.
    """
    snapshot = view.snapshot
    near: list[tuple[int, int]] = []
    akin: list[tuple[int, int]] = []
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


def _twins(
    view: View, firsts: Int64Array, numbers: npt.NDArray[np.uint64], on_stage: OnStage
) -> list[tuple[int, int]]:
    """Return the pairs of passages that are translations, among the ``firsts`` ``(n,)``."""
    snapshot = view.snapshot
    if not snapshot.offsets.enabled or len(firsts) < 2:
        return []
    vectors, codes = snapshot.vectors(firsts)
    table = snapshot.language_offsets
    selected = IdSelector(firsts)

    def centred(rows: npt.NDArray[np.intp]) -> Float32Array:
        return subtract_and_normalise(vectors[rows], table[codes[rows]] + snapshot.offsets.default)

    def neighbours(rows: npt.NDArray[np.intp], k: int) -> list[Ranking]:
        on_stage("finding translations", int(rows[0]), len(firsts))
        asked = subtract_and_normalise(vectors[rows], table[codes[rows]])
        return snapshot.search_dense(asked, k, selected)

    languages = [snapshot.language_names[code] for code in codes.tolist()]
    pairs = mine_twins(firsts, languages, numbers, centred, neighbours).pairs
    one, other = (centred(np.searchsorted(firsts, column)) for column in pairs.T)
    sure = pairs[np.vecdot(one, other) >= _TRANSLATION]
    return [(first, second) for first, second in sure.tolist()]


def _near_documents(
    view: View, read: _Read, alike: Iterable[Sequence[int]], repeated: Container[int]
) -> _Pairs:
    """Return the pairs of documents that nearly are the same; ``repeated`` copies are left out.

    ``alike`` are groups of passages; of a large one (a footer that all documents have) each is
    compared with the first and the one before it.
    """
    candidates: _Pairs = set()
    for group in alike:
        places = sorted({read.place(passage) for passage in group})
        places = [place for place in places if place not in repeated]
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
        return same_language and lengths[0] >= SAME * lengths[1]

    return {
        (one, other)
        for one, other in sorted(candidates)
        if may_be(one, other) and nearly_same(text(one), text(other))
    }


def _translated(
    read: _Read,
    twins: Iterable[tuple[int, int]],
    first_of: Mapping[int, int],
    repeated: Container[int],
) -> _Pairs:
    """Return the pairs of documents of which half of the passages are twins of the other's.

    Of passages with the same text the first has the twins of all, ``first_of`` tells it.
    """
    holding: dict[int, set[int]] = defaultdict(set)
    for passage, place in zip(read.ids.tolist(), read.of, strict=True):
        if place not in repeated:
            holding[first_of.get(passage, passage)].add(place)
    counts = Counter(place for places in holding.values() for place in places)
    members: dict[tuple[int, int], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for one, other in twins:
        for first, second in product(holding[one], holding[other]):
            if first != second:
                turned = first > second
                mine, theirs = members[min(first, second), max(first, second)]
                mine.add(other if turned else one)
                theirs.add(one if turned else other)
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
    kind: Kind,
    pairs: _Pairs,
    documents: Sequence[ListedDocument],
    same: Iterable[Sequence[int]],
) -> Iterator[DuplicateGroup]:
    copies = {group[0]: group for group in same}
    partners: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pair in sorted(pairs):
        partners[pair[0]].append(pair)
    for group in sorted(sorted(each) for each in grouped(sorted(pairs))):
        every = sorted({other for each in group for other in copies.get(each, (each,))})
        yield DuplicateGroup(
            kind=kind,
            documents=tuple(documents[place] for place in every),
            pairs=tuple(
                (documents[one].id, documents[other].id)
                for each in group
                for one, other in partners[each]
            ),
            copies=tuple(
                tuple(documents[place].id for place in copies[each])
                for each in group
                if each in copies
            ),
        )
