"""Which passages are found again, and which others are taken for wrong."""

from __future__ import annotations

import pytest

from rag_engine.passages import Passage
from rag_engine.records import Chunk, Hit, ScoreParts, Twin
from rag_engine.synthesis.round_trip import nearly_alike, return_trip

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


def trip(*hits: Hit, within: int = 3, min_score: float = 0.0, negatives: int = 9):
    return return_trip(PASSAGE, hits, within=within, min_score=min_score, negatives=negatives)


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
    assert [each.chunk_id for each in found.negatives] == [3, 6, 11]
    some, none = trip(*hits, negatives=2), trip(*hits, negatives=0)
    assert some is not None
    assert none is not None
    assert [each.chunk_id for each in some.negatives] == [3, 6]
    assert none.negatives == ()


def test_documents_without_sections_have_no_section_in_common():
    own = Passage(
        id=1, chunk=chunk(OWN, "long"), title="", source="", twins=frozenset(), content="long#0"
    )
    hits = [hit(1, 0.9, 1, own.chunk), hit(2, 0.1, 2, chunk(TEXTS[0], "long", 5))]
    found = return_trip(own, hits, within=1, min_score=0, negatives=1)
    assert found is not None
    assert [each.chunk_id for each in found.negatives] == [2]


def test_near_copies():
    assert nearly_alike(OWN, OWN + " And much more is said here about the seal and the pump.")
    assert nearly_alike(
        "水泵的密封圈每年由技术员更换一次，费用另计。",
        "水泵的密封圈每年由技术员更换两次，费用另计。",
    )
    assert not nearly_alike(OWN, TEXTS[0])
    assert not nearly_alike("abc", "abc")  # too short to tell
