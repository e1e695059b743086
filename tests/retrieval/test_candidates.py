"""The candidate pool: bounded, and no language crowded out of it by another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.ports import IdSelector
from rag_engine.retrieval.candidates import places_for_each, retrieve
from rag_engine.retrieval.query import prepare
from rag_engine.store.snapshot import Snapshot

POOL = 20
TEXTS = {
    "de": "Die Pumpe Nummer {} wird im Herbst geprüft und im Frühjahr wieder gereinigt.",
    "sw": "Pampu namba {} husafishwa kila mwaka na fundi wa kampuni yetu hapa mjini.",
    "ja": "ポンプ{}番は毎年秋に点検して、春にもう一度きれいに洗います。",
    "el": "Η αντλία με αριθμό {} ελέγχεται κάθε φθινόπωρο από τον τεχνικό.",
}
COUNTS = {"de": 400, "sw": 6, "ja": 3, "el": 1}


@pytest.fixture(scope="module", params=["sealed", "half of it live"])
def knowledge_base(request, tmp_path_factory, quick_components):
    """Four hundred German passages and a handful in other languages, without meaning."""
    path = tmp_path_factory.mktemp("fair") / "kb"
    documents = [
        Document(id=f"{language}-{n}", text=TEXTS[language].format(n))
        for language, count in COUNTS.items()
        for n in range(count)
    ]
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(documents[: 200 if request.param != "sealed" else None])
        kb.publish()
        kb.add(documents)
        yield kb


def retrieved(kb: KnowledgeBase, text: str, allowed=None) -> tuple[Snapshot, list[str]]:
    snapshot = kb._index.snapshot()
    [question] = kb._retriever.embed_questions([text])
    query = prepare(question, snapshot, lexical=True)
    ids = retrieve(query, snapshot, POOL, allowed)
    assert (np.diff(ids) > 0).all()
    return snapshot, [snapshot.language_names[code] for code in snapshot.vectors(ids)[1]]


@pytest.mark.parametrize(
    "text", ["Wann wird die Pumpe geprüft?", "pump 7", "ポンプはいつ点検しますか"]
)
def test_every_language_has_its_places(knowledge_base, text: str):
    snapshot, languages = retrieved(knowledge_base, text)
    assert snapshot.languages == COUNTS
    floor = places_for_each(POOL, len(COUNTS))
    assert floor == 2
    for language, count in COUNTS.items():
        assert languages.count(language) >= min(floor, count), language
    assert len(languages) <= 3 * POOL + floor * len(COUNTS)


def test_the_nearest_stay_whatever_their_language(knowledge_base):
    snapshot = knowledge_base._index.snapshot()
    [question] = knowledge_base._retriever.embed_questions(["pump 7"])
    query = prepare(question, snapshot, lexical=False)
    nearest = snapshot.search_dense(query.vector[np.newaxis], POOL)[0].ids
    assert set(nearest.tolist()) <= set(retrieve(query, snapshot, POOL, None).tolist())


def test_a_filter_is_kept(knowledge_base):
    snapshot = knowledge_base._index.snapshot()
    everything = np.concatenate([segment.passages.ids for segment in snapshot.segments])
    languages = np.array(snapshot.language_names)[snapshot.vectors(everything)[1]]
    allowed = np.sort(everything[languages == "ja"])[:2]
    _, languages = retrieved(knowledge_base, "pump 7", allowed=IdSelector(allowed))
    assert languages == ["ja", "ja"]


def test_no_language_for_an_id_that_is_nowhere(knowledge_base):
    snapshot = knowledge_base._index.snapshot()
    known = snapshot.segments[0].passages.ids[:1]
    ids = np.array([known[0], 10**9])
    assert snapshot.language_codes(ids)[1] == -1
    with pytest.raises(KeyError, match=str(10**9)):
        snapshot.vectors(ids)


def test_a_corpus_of_one_language(tmp_path: Path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id=f"{n}", text=TEXTS["de"].format(n)) for n in range(100)])
        _, languages = retrieved(kb, "pump 7")
    assert POOL <= len(languages) <= 3 * POOL


@pytest.mark.parametrize(("pool", "languages"), [(100, 1), (100, 11), (100, 190), (1, 50)])
def test_the_bound(pool: int, languages: int):
    assert places_for_each(pool, languages) * languages <= max(pool / 2, languages)
