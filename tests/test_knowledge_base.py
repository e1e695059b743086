"""KnowledgeBase from outside: what a user relies on."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from rag_engine import Document, Equals, In, KnowledgeBase, Settings
from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory
from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory
from rag_engine.errors import InvalidInput, StoreClosed
from tests.samples import PUMP, RULES, ids


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("How often must the seal be replaced?", "pump"),
        ("Wie lange gilt die Garantie?", "garantie"),
        ("Can I run it dry?", "水"),
        ("¿Cuál es la temperatura máxima?", "насос"),
    ],
)
def test_a_question_finds_the_passage_in_another_language(
    tmp_path_factory, real_components, question, document
):
    path = tmp_path_factory.mktemp("kb") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        report = kb.add(RULES)
        assert (report.added, report.chunks) == (4, 4)
        assert ids(kb.search(question, k=1)) == [document]


def test_a_hit_explains_itself(location, real_components):
    with KnowledgeBase.open(location, components=real_components) as kb:
        kb.add(RULES)
        hit = kb.search("seal of the X-200", k=4)[0]
    assert (hit.rank, hit.chunk.language, hit.title) == (1, "de", "P")
    assert "x200" in hit.parts.matched_terms
    assert 0 < hit.parts.lexical <= 1
    assert -1 <= hit.parts.dense_plain <= 1
    assert hit.parts.rank_before_rerank == 1
    assert PUMP.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text


def test_ask_quotes_and_cites(location, real_components):
    with KnowledgeBase.open(location, components=real_components) as kb:
        assert not kb.ask("Is anybody there?").supported
        kb.add(RULES)
        pieces: list[str] = []
        answer = kb.ask("How often must the seal be replaced?", on_text=pieces.append)
    assert answer.supported
    assert "Dichtung" in answer.text
    assert answer.citations[0].document_id == "pump"
    assert pieces


def test_add_update_delete_without_a_rebuild(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add(RULES)
        assert kb.add(RULES).unchanged == 4
        kb.publish()
        changed = Document(id="pump", text="Sie braucht keine Dichtung mehr.")
        assert kb.add([changed]).updated == 1
        assert kb.inspect().generation == 1
        hits = kb.search("Dichtung", k=10)
        assert sorted(ids(hits)) == sorted(document.id for document in RULES)
        assert {h.chunk.text for h in hits if h.chunk.document_id == "pump"} == {changed.text}
        assert kb.delete(["pump", "nobody"]) == ["pump"]
        assert "pump" not in ids(kb.search("Dichtung", k=10))
    with KnowledgeBase.open(location, components=quick_components) as kb:
        assert "pump" not in ids(kb.search("Dichtung", k=10))
        assert kb.document("garantie") == RULES[1]
        assert kb.document_ids() == sorted(["garantie", "насос", "水"])


def test_the_later_of_two_documents_with_one_id_stays(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add([Document(id="a", text="one"), Document(id="a", text="two")])
        assert [hit.chunk.text for hit in kb.search("one", k=5)] == ["two"]


def test_compact_removes_the_bytes(tmp_path: Path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id=f"d{n}", text=f"Wort{n} bleibt. " * 20) for n in range(200)])
        kb.add([Document(id="secret", text="Zanzibarquartett")])
        kb.publish()
        before = sum(kb.inspect().bytes.values())
        kb.delete(["secret", *(f"d{n}" for n in range(150))])
        kb.compact()
        assert sum(kb.inspect().bytes.values()) < before / 2
        assert len(kb.search("bleibt", k=100)) == 50
    for path in (tmp_path / "kb").rglob("*"):
        if path.is_file():
            assert b"zanzibarquartett" not in path.read_bytes().lower()


@pytest.mark.parametrize(
    ("reason", "published"), [(ValueError, True), (KeyboardInterrupt, False), (SystemExit, False)]
)
def test_whoever_interrupts_does_not_wait_for_an_index(
    tmp_path: Path, quick_components, reason, published
):
    path = tmp_path / "kb"
    kb = KnowledgeBase.open(path, components=quick_components)
    kb.add(RULES)
    with pytest.raises(reason), kb:
        raise reason
    with pytest.raises(StoreClosed):
        kb.search("Dichtung")
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as reader:
        assert bool(reader.inspect().dense) == published
        assert len(reader.search("Dichtung")) == 4
    with KnowledgeBase.open(path, components=quick_components) as kb:
        assert kb.add(RULES).unchanged == 4
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as reader:
        assert reader.inspect().dense  # published by the next writer


def test_filters_and_languages(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add(
            [
                *RULES,
                Document(id="x", text="Ein deutscher Satz über Häuser.", metadata={"year": 2024}),
            ]
        )
        assert sorted(ids(kb.search("Haus", where=Equals("language", "de")))) == ["pump", "x"]
        assert ids(kb.search("Haus", where=Equals("year", 2024))) == ["x"]
        assert kb.search("Haus", where=In("language", ())) == []
        assert kb.search("Haus", where=Equals("year", "2024")) == []


def test_a_document_without_text_is_reported(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        assert kb.add([Document(id="blank", text=" \n ")]).empty == ("blank",)
        assert kb.search("anything") == []


@pytest.mark.parametrize("question", ["", "  ", "\ud800", "x" * 10_001])
def test_bad_questions(tmp_path: Path, quick_components, question: str):
    with (
        KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb,
        pytest.raises(InvalidInput),
    ):
        kb.search(question)


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_bad_k(tmp_path: Path, quick_components, k: int):
    with (
        KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb,
        pytest.raises(InvalidInput, match="1 to 1000"),
    ):
        kb.search("x", k=k)


# -- against a dictionary, and from many threads -----------------------------------------------


def test_searching_while_writing(location, quick_components):
    errors: list[BaseException] = []
    stop = threading.Event()
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add(Document(id=f"d{n}", text=f"fest {n}") for n in range(50))

        def read() -> None:
            try:
                while not stop.is_set():
                    found = ids(kb.search("fest", k=500))
                    assert len(found) == len(set(found))
                    assert "gone" not in found
            except BaseException as error:
                errors.append(error)

        kb.add([Document(id="gone", text="fest fort")])
        kb.delete(["gone"])
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(40):
            kb.add([Document(id=f"d{number}", text=f"fest neu {number}")])
            if number % 10 == 9:
                kb.compact()
        stop.set()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(kb.search("fest", k=500)) == 50


def test_index_kinds_can_be_changed_later(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        assert kb.inspect().dense == ""  # nothing is published before close
    other = dataclasses.replace(
        quick_components, dense=FaissHnswFactory(), lexical=RankBm25Factory()
    )
    plain = Settings.model_validate({"fairness": {"enabled": False}})
    with KnowledgeBase.open(path, components=other, settings=plain, read_only=True) as reader:
        assert len(reader.search("Dichtung")) == 4
    with KnowledgeBase.open(path, components=other, settings=plain) as kb:
        hits = kb.search("Dichtung")
        assert len(hits) == 4
        assert all(abs(hit.parts.dense - hit.parts.dense_plain) < 1e-3 for hit in hits)
        assert (kb.inspect().dense, kb.inspect().lexical) == ("hnsw", "rank_bm25")
    with KnowledgeBase.open(path, components=quick_components) as kb:
        assert len(kb.search("Dichtung")) == 4
        assert (kb.inspect().dense, kb.inspect().lexical) == ("auto", "tantivy")


def test_the_baselines_rank_too(tmp_path: Path, real_components):
    for mode in ("dense", "lexical", "bm25", "rrf"):
        settings = Settings.model_validate({"retrieval": {"mode": mode}})
        path = tmp_path / mode
        with KnowledgeBase.open(path, components=real_components, settings=settings) as kb:
            kb.add(RULES)
            assert ids(kb.search("Wie oft braucht die Pumpe eine Dichtung?"))[0] == "pump"
            (ranked,) = kb.rank(["Wie oft braucht die Pumpe eine Dichtung?"])
            assert ranked[0].document_id == "pump"


def test_a_reranker_has_the_last_word(tmp_path: Path, quick_components):
    class ByLength:
        name = "by length"

        def score(self, question, passages):
            return np.array([len(passage) for passage in passages], dtype=np.float32)

    other = dataclasses.replace(quick_components, reranker=ByLength())
    with KnowledgeBase.open(tmp_path / "kb", components=other) as kb:
        kb.add(RULES)
        hits = kb.search("Dichtung", k=2)
    lengths = sorted((len(document.text) for document in RULES), reverse=True)
    assert [len(hit.chunk.text) for hit in hits] == lengths[:2]
    assert [hit.parts.rerank for hit in hits] == lengths[:2]
    assert [hit.rank for hit in hits] == [1, 2]
    assert all(1 <= hit.parts.rank_before_rerank <= 4 for hit in hits)


def test_wrong_arguments_are_told_clearly(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add([Document(id="1", text="eins"), Document(id="2", text="zwei")])
        for call in (
            lambda: kb.delete("12"),
            lambda: kb.add(PUMP),
            lambda: kb.search("x", k="5"),
            lambda: kb.search("x", language="not a language"),
            lambda: kb.search("x", language=5),
            lambda: Document(id="x", text="y", metadata={"n": 2**70}),
        ):
            with pytest.raises(InvalidInput):
                call()
        assert kb.document_ids() == ["1", "2"]
        assert kb.search("eins", language="DE-at")[0].query_language == "de"


def test_a_reader_that_missed_a_publication_catches_up(location, quick_components):
    path = location
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add(RULES)
        kb.publish()
        reader = KnowledgeBase.open(path, components=quick_components, read_only=True)
        assert len(reader.search("Pumpe")) == 4
        frozen = reader._catalogue.frozen

        def late():
            reader._catalogue.frozen = frozen  # once
            kb.delete(["pump", "garantie"])
            kb.publish()
            return frozen()

        reader._catalogue.frozen = late
        kb.add([Document(id="neu", text="Neu")])  # so that the reader looks at all
        assert sorted(ids(reader.search("Pumpe"))) == sorted(["neu", "насос", "水"])
        assert len(next(iter(reader.rank(["Pumpe"])))) == 3
        reader.close()


def test_metadata_keys_in_any_language(location, quick_components):
    with KnowledgeBase.open(location, components=quick_components) as kb:
        kb.add([Document(id="a", text="Depo", metadata={"şehir": "Ankara", "城市": "上海"})])
        assert ids(kb.search("depo", where=Equals("şehir", "Ankara"))) == ["a"]
        assert kb.search("depo", where=Equals("城市", "北京")) == []


def test_publishing_tells_how_far_it_is(tmp_path, quick_components):
    told: list[tuple[str, int, int]] = []
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id=f"{n}", text=f"Die Pumpe {n} läuft.") for n in range(30)])
        kb.publish(on_stage=lambda *each: told.append(each))
        assert list(dict.fromkeys(stage for stage, _, _ in told)) == [
            "reading",
            "indexing words",
            "indexing vectors",
        ]
        assert all(0 <= done <= total == 30 for _, done, total in told)
        before = len(told)
        kb.publish(on_stage=lambda *each: told.append(each))  # nothing changed
        assert len(told) == before


def test_an_interrupted_publication_leaves_what_was_there(location, quick_components):
    path = location
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.add([Document(id="a", text="Die Pumpe läuft.")])
        kb.publish()

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "indexing vectors":
            raise KeyboardInterrupt

    kb = KnowledgeBase.open(path, components=quick_components)
    kb.add([Document(id="b", text="Der Filter ist neu.")])
    with pytest.raises(KeyboardInterrupt):
        kb.publish(on_stage=interrupt)
    kb._opened.close(publish=False)
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as kb:
        assert {hit.chunk.document_id for hit in kb.search("Filter")} == {"a", "b"}
        assert not kb.inspect().published
    with KnowledgeBase.open(path, components=quick_components) as kb:
        kb.publish()
        assert kb.inspect().published
