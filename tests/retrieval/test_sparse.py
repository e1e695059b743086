"""What learned weights of tokens find, by plain sums; and that nothing changes without them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from rag_engine import Document, Equals, KnowledgeBase
from rag_engine.index_contract import index_contract
from rag_engine.ports import IdSelector
from rag_engine.retrieval.candidates import featurise, retrieve
from rag_engine.retrieval.evidence import Formulation, Outlook, weigh
from rag_engine.retrieval.query import prepare
from rag_engine.retrieval.sparse import match_sparse
from rag_engine.settings import Settings
from tests.doubles import SparseHashEmbedder

GERMAN = "Die Pumpe {} läuft im Keller des Hauses und wird jeden Herbst gereinigt."
ENGLISH = "The meter {} hangs in the cellar of the house and is read in spring."


@pytest.fixture(scope="module")
def sparse_components(quick_components):
    return replace(quick_components, embedder=SparseHashEmbedder(), sparse=True)


@pytest.fixture(scope="module", params=["sealed", "half of it live"])
def kb(request, tmp_path_factory, sparse_components):
    documents = [Document(id=f"de-{n}", text=GERMAN.format(n)) for n in range(70)]
    documents += [Document(id=f"en-{n}", text=ENGLISH.format(f"M{n}")) for n in range(70)]
    with KnowledgeBase.open(tmp_path_factory.mktemp("kb"), components=sparse_components) as kb:
        kb.add(documents[: 140 if request.param == "sealed" else 100])
        kb.publish()
        kb.add(documents[100:])
        kb.delete(["de-69"])
        yield kb


def asked(kb, text):
    snapshot = kb._index.snapshot()
    [question] = kb._retriever.embed_questions([text])
    return snapshot, prepare(question, snapshot, lexical=True)


def texts_of(kb, ids):
    chunks = kb._index.view().chunks(ids.tolist())
    return [chunks[identifier].chunk.text for identifier in ids.tolist()]


def plain_product(question, passage):
    """The inner product of words that both hold, each its length in both."""
    return float(sum(len(word) ** 2 for word in {*question.split()} & {*passage.split()}))


def test_surprise_is_that_of_a_plain_reckoning(kb):
    question = "Die Pumpe 7 M12"
    snapshot, _ = asked(kb, question)
    ids, codes = snapshot.rows
    assert (np.diff(ids) > 0).all()
    weights = SparseHashEmbedder().embed_query_kinds([question]).sparse[0]
    matches = match_sparse(weights, snapshot)
    present = snapshot.not_deleted(ids)
    products = {
        identifier: plain_product(question, text)
        for identifier, text in zip(present.tolist(), texts_of(kb, present), strict=True)
    }
    gone = set(ids.tolist()) - set(products)
    products |= dict.fromkeys(gone, plain_product(question, GERMAN.format(69)))
    groups = defaultdict(list)
    for identifier, code in zip(ids.tolist(), codes.tolist(), strict=True):
        groups[code].append(products[identifier])
    within = np.mean([(s - np.mean(of)) ** 2 for of in groups.values() for s in of])
    for identifier, code, found in zip(ids, codes, matches.surprise, strict=True):
        of = groups[code]
        variance = (len(of) * np.var(of) + 20 * within) / (len(of) + 20)
        above = max(0.0, products[int(identifier)] - np.mean(of))
        assert found == pytest.approx(np.log(1 + above**2 / variance), abs=1e-4)


def test_what_a_whole_language_matches_earns_nothing_for_it(kb):
    snapshot, query = asked(kb, "Die läuft im Keller des Hauses und wird jeden Herbst")
    assert query.sparse is not None
    assert snapshot.sparse_scores(query.embedded.sparse).max() > 100
    assert query.sparse.surprise.max() < 1e-6


def test_a_name_is_found_in_any_language_and_whatever_stands_in_the_pool(kb):
    snapshot, query = asked(kb, "Wann wird M33 abgelesen?")
    assert query.sparse is not None
    best = query.sparse.best(1, snapshot, None)
    assert texts_of(kb, best) == [ENGLISH.format("M33")]
    assert query.sparse.of(best)[0] > np.log(50)  # one of seventy holds it
    assert best[0] in retrieve(query, snapshot, 1, None)


def test_filters_and_deleted_passages_are_kept_out(kb):
    snapshot, query = asked(kb, "Pumpe 69 und Pumpe 68")
    assert query.sparse is not None
    best = texts_of(kb, query.sparse.best(5, snapshot, None))
    assert GERMAN.format(68) in best
    assert GERMAN.format(69) not in best
    english = kb._index.view().matching(Equals("language", "en"))
    assert isinstance(english, IdSelector)
    found = query.sparse.best(140, snapshot, english)
    assert not set(found.tolist()) - set(english.ids.tolist())
    assert kb.search("Pumpe 68", k=3, where=Equals("language", "en"))


def test_it_orders_the_passages_at_home_and_lifts_no_language(kb):
    snapshot, query = asked(kb, "Läuft Pumpe 33 im Keller und hängt M12 auch dort?")
    candidates = featurise(query, snapshot, snapshot.not_deleted(snapshot.rows[0]))
    outlook = Outlook(known=1.0, at_home=0.5, translated=0.0, fair=True)
    silent = replace(candidates, sparse=np.zeros_like(candidates.sparse))
    told = weigh(Formulation(candidates, outlook))
    without = weigh(Formulation(silent, outlook))
    home = candidates.same_language_probability
    assert home.max() > 0.9
    best = candidates.sparse[home > 0].max()
    assert candidates.sparse[home == 0].max() > 1  # M12
    expected = dict(zip(candidates.ids.tolist(), home * (candidates.sparse - best), strict=True))
    before = dict(zip(without.ids.tolist(), without.lexical, strict=True))
    for identifier, after in zip(told.ids.tolist(), told.lexical, strict=True):
        change = after - before[identifier]
        assert change == pytest.approx(0.25 * expected[identifier], abs=1e-4)
        assert change <= 1e-6
    changes = np.array([told.lexical[told.ids == i][0] - before[i] for i in before])
    assert (changes < -0.5).sum() > 50


def test_nothing_is_kept_where_the_embedder_tells_no_weights(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id=str(n), text=GERMAN.format(n)) for n in range(3)])
        kb.publish()
        snapshot, query = asked(kb, "Pumpe 2")
        assert query.sparse is None
        assert not featurise(query, snapshot, snapshot.rows[0]).sparse.any()
    assert not list(tmp_path.rglob("sparse_*"))
    contract = index_contract(quick_components, Settings())
    assert "sparse" not in contract
    weighing = replace(quick_components, embedder=SparseHashEmbedder(), sparse=True)
    assert index_contract(weighing, Settings()) == {**contract, "sparse": "weights of tokens"}


def test_it_is_the_same_from_disk(kb, sparse_components, tmp_path):
    documents = [Document(id=str(n), text=GERMAN.format(n)) for n in range(60)]
    with KnowledgeBase.open(tmp_path / "kb", components=sparse_components) as written:
        written.add(documents)
        before = written.search("Pumpe 31 im Keller", k=5)
    assert list((tmp_path / "kb").rglob("sparse_weights.npy"))
    with KnowledgeBase.open(tmp_path / "kb", components=sparse_components, read_only=True) as read:
        after = read.search("Pumpe 31 im Keller", k=5)
    assert before[0].chunk.text == GERMAN.format(31)
    assert [(hit.chunk_id, hit.score) for hit in before] == [
        (hit.chunk_id, hit.score) for hit in after
    ]
