"""Which passages are found again, and which others are taken for wrong."""

from __future__ import annotations

import dataclasses

import pytest

from rag_engine.connectors.training.synthesis.round_trip import nearly_alike, return_trip
from rag_engine.passages import Passage
from rag_engine.records import Chunk, Hit, ScoreParts, Twin

OWN = "The seal of the pump is replaced once a year by a technician."
TEXTS = [
    "Wash the filter in warm water without any soap.",
    "Every employee has twenty-five days of paid holiday.",
    "Refunds reach your bank account within fourteen days.",
    "The canteen serves lunch from noon to two o'clock.",
]


def chunk(text: str, document: str, ordinal: int = 0, section: tuple[str, ...] = ()) -> Chunk:
    return Chunk(
        document_id=document,
        ordinal=ordinal,
        start=0,
        end=len(text),
        text=text,
        section=section,
    )


def hit(rank: int, score: float, number: int, of: Chunk, *twins: int) -> Hit:
    return Hit(
        rank=rank,
        score=score,
        chunk_id=number,
        chunk=of,
        title="",
        source="",
        metadata={},
        query_language="en",
        parts=ScoreParts(dense=0, dense_plain=0, lexical=0),
        twins=tuple(Twin(chunk_id=each, chunk=of, title="", source="") for each in twins),
    )


PASSAGE = Passage(
    id=7,
    chunk=chunk(OWN, "pump", 3, ("Care",)),
    title="",
    source="",
    twins=frozenset({8}),
    content="pump#3",
)


def trip(*hits: Hit, within: int = 3, min_score: float = 0.0, negatives: int = 9, **alike: float):
    return return_trip(
        PASSAGE,
        hits,
        within=within,
        min_score=min_score,
        negatives=negatives,
        likeness=lambda ids: {each: alike.get(f"id{each}", 0.1) for each in ids},
    )


def numbers(found) -> list[str]:
    return [f"{each.chunk.document_id}#{each.chunk.ordinal}" for each in found.negatives]


@pytest.mark.parametrize(
    "own",
    [
        hit(2, 0.6, 7, PASSAGE.chunk),
        hit(2, 0.6, 8, chunk("Die Dichtung", "pumpe")),  # its twin
        hit(2, 0.6, 9, chunk("Le joint", "pompe"), 7),  # a hit that has it as a twin
        hit(2, 0.6, 5, chunk(OWN, "copy")),
    ],
)
def test_itself_a_twin_or_a_copy_is_the_way_back(own):
    other = hit(1, 0.7, 1, chunk(TEXTS[0], "a"))
    found = trip(other, own)
    assert found is not None
    assert found.rank == 2
    assert trip(other, own, within=1) is None
    assert trip(other, own, min_score=0.61) is None
    assert trip(other) is None
    assert trip() is None


def test_negatives_are_below_it_less_likely_and_elsewhere():
    hits = [
        hit(1, 0.90, 1, chunk(TEXTS[0], "a")),  # above it
        hit(2, 0.80, 7, PASSAGE.chunk),
        hit(3, 0.41, 2, chunk(TEXTS[1], "b")),  # more than half as likely
        hit(4, 0.40, 3, chunk(TEXTS[2], "c")),
        hit(5, 0.30, 4, chunk(TEXTS[3], "pump", 4)),  # right after it
        hit(6, 0.30, 5, chunk(TEXTS[3], "pump", 9, ("Care",))),  # in its section
        hit(7, 0.30, 6, chunk(TEXTS[3], "pump", 9, ("Repair",))),
        hit(8, 0.20, 8, chunk("Die Dichtung", "d")),  # its twin
        hit(9, 0.20, 9, chunk("Le joint", "e"), 8),  # a twin of its twin
        hit(10, 0.20, 10, chunk(OWN.replace("technician", "mechanic"), "f")),
        hit(11, 0.10, 11, chunk(TEXTS[1], "g")),
    ]
    found = trip(*hits)
    assert found is not None
    assert numbers(found) == ["c#0", "pump#9", "g#0"]
    near = trip(*hits, id3=0.5, id11=0.49)
    assert near is not None
    assert numbers(near) == ["pump#9", "g#0"]
    some, none = trip(*hits, negatives=2), trip(*hits, negatives=0)
    assert some is not None
    assert none is not None
    assert numbers(some) == ["c#0", "pump#9"]
    assert none.negatives == ()


def test_documents_without_sections_have_no_section_in_common():
    own = Passage(
        id=1, chunk=chunk(OWN, "long"), title="", source="", twins=frozenset(), content="long#0"
    )
    hits = [hit(1, 0.9, 1, own.chunk), hit(2, 0.1, 2, chunk(TEXTS[0], "long", 5))]
    found = return_trip(own, hits, within=1, min_score=0, negatives=1, likeness=lambda ids: {})
    assert found is not None
    assert numbers(found) == ["long#5"]


def test_negatives_are_in_the_language_of_the_passage_first():
    german = dataclasses.replace(PASSAGE, chunk=dataclasses.replace(PASSAGE.chunk, language="de"))
    english, own = chunk(TEXTS[0], "en"), dataclasses.replace(chunk(TEXTS[1], "de"), language="de")
    pair = dataclasses.replace(
        hit(2, 0.3, 2, chunk(TEXTS[2], "pair-en")),
        twins=(
            Twin(chunk_id=3, chunk=dataclasses.replace(own, text=TEXTS[3]), title="", source=""),
        ),
    )
    hits = [hit(1, 0.9, 7, german.chunk), hit(2, 0.4, 1, english), pair, hit(3, 0.2, 4, own)]
    given = {"within": 1, "min_score": 0, "negatives": 3}
    found = return_trip(german, hits, **given, likeness=lambda ids: {})
    assert found is not None
    assert [each.chunk.text for each in found.negatives] == [TEXTS[3], TEXTS[1], TEXTS[0]]
    found = return_trip(german, hits, **given, likeness=lambda ids: {3: 0.6})
    assert found is not None
    assert [each.chunk.text for each in found.negatives] == [TEXTS[1], TEXTS[0]]


def test_near_copies():
    assert nearly_alike(OWN, OWN + " And much more is said here about the seal and the pump.")
    assert nearly_alike(
        "水泵的密封圈每年由技术员更换一次，费用另计。",
        "水泵的密封圈每年由技术员更换两次，费用另计。",
    )
    assert not nearly_alike(OWN, TEXTS[0])
    assert not nearly_alike("abc", "abc")  # too short to tell
