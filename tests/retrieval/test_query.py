"""A question prepared for a snapshot: what share of the passages is in its language."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.ports import IdSelector
from rag_engine.retrieval.query import prepare

GERMAN = "Die Pumpe steht im Keller, und der Schlüssel hängt neben der Tür, Raum"
ENGLISH = "The pump stands in the cellar, and the key hangs beside the door of room"


@pytest.fixture
def snapshot_and_question(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.add([Document(id=f"de{n}", text=f"{GERMAN} {n}.") for n in range(3)])
        kb.add([Document(id=f"en{n}", text=f"{ENGLISH} {n}.") for n in range(9)])
        [question] = kb._retriever.embed_questions(["Wo hängt der Schlüssel?"], language="de")
        yield kb._index.snapshot(), question


def test_the_share_at_home_is_that_of_the_passages_that_a_filter_lets_through(
    snapshot_and_question,
):
    snapshot, question = snapshot_and_question
    query = prepare(question, snapshot, lexical=True)
    ids = np.concatenate([segment.passages.ids for segment in snapshot.segments])
    german = ids[snapshot.language_codes(ids) == snapshot.language_names.index("de")]
    english = np.setdiff1d(ids, german)
    assert query.share_at_home(snapshot, None) == pytest.approx(0.25)
    assert query.share_at_home(snapshot, IdSelector(german)) == pytest.approx(1.0)
    assert query.share_at_home(snapshot, IdSelector(english)) == 0.0
    some = np.sort(np.concatenate([german, english[:3]]))
    assert query.share_at_home(snapshot, IdSelector(some)) == pytest.approx(0.5)
    assert query.share_at_home(snapshot, IdSelector(ids[:0])) == 0.0
