"""Several knowledge bases asked as one: the same hits as of one that holds all, each named."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from rag_engine import Document, Equals, Federation, KnowledgeBase, Message, Settings
from rag_engine.errors import InvalidFilter, InvalidInput, StoreCorrupt, StoreError
from rag_engine.pipelines.cli import main
from rag_engine.retrieval.federated import FoundIn, answerable_of_all, merged, rescaled
from rag_engine.workers import WorkerThreads
from tests.doubles import HashEmbedder
from tests.images.drawn import picture
from tests.readme_blocks import ROOT, python_block
from tests.samples import ids

MANUALS = {
    "pump": "Die Pumpe X-200 braucht jedes Jahr eine neue Dichtung.",
    "wasser": "Das Wasser im Becken wird einmal in der Woche gewechselt.",
    "strom": "Der Strom wird vor jeder Wartung am Kasten im Keller abgeschaltet.",
}
TICKETS = {
    "garantie": "La garantie dure trois ans à partir de la date de l'achat.",
    "museo": "El museo abre los lunes a las nueve y cierra a las seis de la tarde.",
    "filtre": "Le filtre est remplacé tous les six mois par le fabricant.",
}
QUESTIONS = {
    "How long is the warranty?": "garantie",
    "How often do I replace the seal of the pump?": "pump",
    "When does the museum open?": "museo",
    "¿Cada cuánto se cambia el filtro?": "filtre",
    "How often is the water changed?": "wasser",
}


def documents(texts: dict[str, str]) -> list[Document]:
    return [Document(id=name, text=text, metadata={"of": name}) for name, text in texts.items()]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, real_components) -> list[Path]:
    root = tmp_path_factory.mktemp("bases")
    for name, texts in (("manuals", MANUALS), ("tickets", TICKETS), ("all", MANUALS | TICKETS)):
        with KnowledgeBase.open(root / name, components=real_components) as kb:
            kb.add(documents(texts))
    return [root / "manuals", root / "tickets", root / "all"]


@pytest.fixture
def bases(folders, real_components):
    def build(settings: Settings):
        return real_components

    with Federation.open(folders[:2], components=build) as opened:
        yield opened


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_found_wherever_it_is(bases, folders, real_components, question):
    hits = bases.search(question, k=3)
    place = QUESTIONS[question]
    assert ids(hits)[0] == place
    assert Path(hits[0].knowledge_base or "") == folders[place in TICKETS]
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]
    assert len({hit.parts.answerable for hit in hits}) == 1
    assert hits.left_out == ()
    with KnowledgeBase.open(folders[2], components=real_components, read_only=True) as kb:
        assert ids(kb.search(question, k=1)) == [place]


def test_filters_scores_and_formulations_reach_all(bases):
    assert ids(bases.search("pump", where=Equals("of", "museo"))) == ["museo"]
    assert bases.search("pump", min_score=1.0) == []
    hits = bases.search("xyzzy", also=["Wann öffnet das Museum?", "garantie"], k=2)
    assert set(ids(hits)) == {"museo", "garantie"}
    history = [
        Message("user", "When does the museum open?"),
        Message("assistant", "At nine on Mondays."),
    ]
    follow = bases.search("And when does it close?", history=history, k=1)
    assert ids(follow) == ["museo"]
    assert follow[0].parts.follow_up is not None
    for wrong in ({"k": 0}, {"min_score": 2.0}, {"history": [1]}, {"language": "deutsch"}):
        with pytest.raises(InvalidInput):
            bases.search("pump", **wrong)
    with pytest.raises(InvalidFilter):
        bases.search("pump", where="of = 'museo'")
    with pytest.raises(InvalidInput, match="takes no instruction"):
        bases.search("pump", instruction="find a manual")


def test_an_answer_cites_both_and_names_them(bases, folders):
    answer = bases.ask("How long is the warranty?", strictness="eager", min_score=0.0)
    assert answer.supported
    assert {hit.knowledge_base for hit in answer.hits} == {str(path) for path in folders[:2]}
    [first, *_] = answer.citations
    assert (first.document_id, first.knowledge_base) == ("garantie", str(folders[1]))
    assert bases.least_score == bases.knowledge_bases[0].least_score
    refused = bases.ask("Who won the chess championship of 1972?", strictness="strict")
    assert not refused.supported
    assert refused.answerable is not None
    assert refused.answerable < (answer.answerable or 0)


def test_it_is_awaited(bases):
    async def ask():
        hits, answer = await asyncio.gather(
            bases.asearch("When does the museum open?", k=1),
            bases.aask("How long is the warranty?", strictness="eager", min_score=0.0),
        )
        stream = bases.astream("How long is the warranty?", strictness="eager", min_score=0.0)
        text = "".join([piece async for piece in stream])
        return hits, answer, text, stream.answer

    hits, answer, text, streamed = asyncio.run(ask())
    assert ids(hits) == ["museo"]
    assert answer.text == streamed.text
    assert text
    with pytest.raises(TypeError):
        bases.astream("x", on_text=print)


class Counting(HashEmbedder):
    """Counts the texts of questions."""

    asked = 0

    def embed_queries(self, texts):
        self.asked += len(texts)
        return self._embed(texts)


def test_a_question_is_embedded_once_for_all_with_its_model(tmp_path, quick_components):
    one, other = Counting(), Counting(64)
    parts = [
        dataclasses.replace(quick_components, embedder=embedder, prior=None, token_space=None)
        for embedder in (one, other)
    ]
    opened = []
    for name, each in (("a", parts[0]), ("b", parts[0]), ("c", parts[1])):
        kb = KnowledgeBase.open(tmp_path / name, components=each)
        kb.add([Document(id=name, text=f"The pump {name} hums.")])
        opened.append(kb)
    one.asked = other.asked = 0
    with Federation(opened) as bases:
        assert set(ids(bases.search("Which pump hums?"))) == {"a", "b", "c"}
    assert (one.asked, other.asked) == (1, 1)
    for kb in opened:
        assert kb.search("pump")  # those that were given stay open
        kb.close()


def test_what_several_hold_is_shown_once(tmp_path, quick_components):
    opened = []
    for name in ("a", "b"):
        kb = KnowledgeBase.open(tmp_path / name, components=quick_components)
        kb.add(
            [Document(id=name, text="The pump hums."), Document(id="same id", text=f"Of {name}")]
        )
        opened.append(kb)
    with Federation(opened) as bases:
        hits = bases.search("The pump hums.")
        assert sorted(hit.chunk.text for hit in hits) == ["Of a", "Of b", "The pump hums."]
        # Passages of one id are not taken for neighbours in one document.
        answer = bases.ask("Of a", strictness="eager", min_score=0.0)
        cited = {(one.knowledge_base, one.text) for one in answer.citations}
        assert all(text != "Of a Of b" for _, text in cited)
    opened[0].close()
    opened[1].close()


def test_one_that_fails_is_named_or_left_out(folders, real_components):
    opened = [
        KnowledgeBase.open(path, components=real_components, read_only=True) for path in folders[:2]
    ]
    opened[1].close()
    with pytest.raises(
        StoreError, match=r"the knowledge base .*tickets can not be searched:.*partial"
    ):
        Federation(opened).search("How long is the warranty?")
    bases = Federation(opened, partial=True)
    hits = bases.search("How long is the warranty?")
    assert {hit.knowledge_base for hit in hits} == {str(folders[0])}
    [left] = hits.left_out
    assert left.source == str(folders[1])
    assert "was closed" in left.reason
    assert any("tickets was left out" in each for each in bases.ask("Dichtung?").warnings)
    with pytest.raises(InvalidInput):  # not left out: it is the caller's fault
        bases.search("")
    opened[0].close()
    with pytest.raises(StoreError, match="none of 2 knowledge bases"):
        bases.search("pump")


def test_one_that_can_not_be_opened(folders, real_components, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "catalogue.sqlite").write_bytes(b"SQLite format 3\0" + bytes(4000))
    paths = [folders[0], damaged]

    def build(settings: Settings):
        return real_components

    with pytest.raises(StoreCorrupt, match="damaged"):
        Federation.open(paths, components=build)
    with Federation.open(paths, components=build, partial=True) as bases:
        [left] = bases.search("pump").left_out
        assert left.source == str(damaged)


def test_what_can_not_be_federated(tmp_path, quick_components):
    with pytest.raises(InvalidInput, match="got none"):
        Federation([])
    with pytest.raises(InvalidInput, match="several paths"):
        Federation.open("kb")
    bm25 = Settings.model_validate({"retrieval": {"mode": "bm25"}})
    with (
        KnowledgeBase.open(tmp_path / "a", components=quick_components) as kb,
        KnowledgeBase.open(tmp_path / "b", components=quick_components, settings=bm25) as words,
    ):
        with pytest.raises(InvalidInput, match="is there twice"):
            Federation([kb, kb])
        with pytest.raises(InvalidInput, match="'bm25' and 'hybrid'"):
            Federation([kb, words])


def test_pictures_are_shown_from_where_they_are(tmp_path, quick_components):
    from tests.doubles import ColourImages

    parts = dataclasses.replace(quick_components, images=ColourImages())
    opened = [KnowledgeBase.open(tmp_path / name, components=parts) for name in ("a", "b")]
    opened[0].add([Document(id="text", text="The pump hums.")])
    opened[1].add([picture("IMG", "red")])
    bases = Federation(opened)
    [hit] = [hit for hit in bases.search("red") if hit.image]
    assert hit.image is not None
    assert bases.thumbnail(hit.image) == opened[1].thumbnail(hit.image)
    assert bases.thumbnail("0" * 64) is None
    for kb in opened:
        kb.close()


def test_it_is_shared_between_threads(bases):
    wrong = []

    def search() -> None:
        for question, place in QUESTIONS.items():
            if ids(bases.search(question, k=1)) != [place]:
                wrong.append(question)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def hits_of(bases, scores: list[float]):
    [hit] = bases.search("How long is the warranty?", k=1)
    return [
        dataclasses.replace(
            hit,
            score=score,
            chunk=dataclasses.replace(hit.chunk, text=f"text {score}"),
            knowledge_base=None,
            parts=dataclasses.replace(hit.parts, answerable=0.5),
        )
        for score in scores
    ]


def test_one_alone_keeps_its_scores_and_of_two_the_larger_is_first(bases):
    one = hits_of(bases, [0.8, 0.5, 0.1])
    alone = [FoundIn(name="a", hits=one, size=500, known_model=True)]
    assert [hit.score for hit in merged(alone)] == [0.8, 0.5, 0.1]
    assert answerable_of_all(alone, merged(alone)) == pytest.approx(0.5)
    sizes = [
        FoundIn(name=name, hits=hits_of(bases, [score]), size=size, known_model=True)
        for name, score, size in (("small", 0.80001, 100), ("large", 0.8, 10_000))
    ]
    both = merged(sizes)
    assert [hit.knowledge_base for hit in both] == ["large", "small"]
    assert both[0].score == pytest.approx(rescaled(0.8, 10_000, 10_100))
    assert both[1].score == pytest.approx(rescaled(0.80001, 100, 10_100))
    empty = [FoundIn(name="a", hits=[], size=0, known_model=True)]
    assert answerable_of_all(empty, merged(empty)) == 0.0


def test_many_without_an_answer_do_not_answer_together(bases):
    none = [
        FoundIn(
            name=f"{n}",
            hits=hits_of(bases, [0.05 - n / 1000, 0.04 - n / 1000, 0.01]),
            size=1000,
            known_model=True,
        )
        for n in range(20)
    ]
    together = answerable_of_all(none, merged(none))
    assert together is not None
    assert together < 0.5


def test_the_command_line_asks_several(folders, capsys):
    asked = ["How long is the warranty?", "--kb", str(folders[0]), "--kb", str(folders[1])]
    assert main(["search", *asked, "-k", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert next((hit["document"], hit["knowledge_base"]) for hit in result["hits"]) == (
        "garantie",
        str(folders[1]),
    )
    assert main(["ask", *asked, "--strictness", "eager", "--min-score", "0", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["citations"][0]["knowledge_base"] == str(folders[1])
    assert {hit["knowledge_base"] for hit in result["hits"]} == set(map(str, folders[:2]))
    assert main(["search", *asked, "-k", "1"]) == 0
    assert f"[fr]  {folders[1]}: garantie" in capsys.readouterr().out
    assert main(["search", *asked[:3], "--json"]) == 0
    assert "knowledge_base" not in json.loads(capsys.readouterr().out)["result"]["hits"][0]
    assert main(["search", *asked, "--settings", "rag.toml"]) == 2
    assert "--settings goes with one knowledge base" in capsys.readouterr().err


def test_a_langchain_retriever_over_several(bases, folders):
    from rag_engine.connectors.langchain import RagEngineRetriever

    retriever = RagEngineRetriever(knowledge_base=bases, k=1)
    [passage] = retriever.invoke("When does the museum open?")
    assert passage.metadata["document"] == "museo"
    [awaited] = asyncio.run(retriever.ainvoke("How long is the warranty?"))
    assert awaited.metadata["document"] == "garantie"
    with pytest.raises(ValidationError):
        RagEngineRetriever(knowledge_base="kb")


def test_the_example_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {
        "manuals/m/pumpe": MANUALS["pump"],
        "manuals/m/becken": MANUALS["wasser"],
        "tickets/t/garantie": TICKETS["garantie"],
        "tickets/t/filtre": TICKETS["filtre"],
    }
    for name, text in files.items():
        base, folder, stem = name.split("/")
        Path(folder).mkdir(exist_ok=True)
        Path(folder, f"{stem}.txt").write_text(text, encoding="utf-8")
        with KnowledgeBase.open(base) as kb:
            kb.add_files(folder)
    exec(python_block("rag_engine/README.md", "Federation.open"), {})
    printed = capsys.readouterr().out
    text = (ROOT / "rag_engine" / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Several knowledge bases")[2]
    shown = section.partition("```\n\n```\n")[2].partition("```")[0]
    score = re.compile(r"^0\.\d\d ", re.MULTILINE)  # the last digit may be another's
    assert score.sub("", printed) == score.sub("", shown)


def test_what_is_no_open_knowledge_base_is_refused(tmp_path, quick_components):
    with (
        KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb,
        pytest.raises(InvalidInput, match=r"got str 'x'; Federation\.open takes paths"),
    ):
        Federation([kb, "x"])


def test_searches_of_answers_wait_for_their_turn(tmp_path, quick_components):
    searches: list[object] = []

    class Counted(WorkerThreads):
        def search(self, do):
            searches.append(do)
            return super().search(do)

    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add([Document(id="a", text="Die Dichtung wird jedes Jahr ersetzt.")])
        bases = Federation([kb], workers=Counted())
        assert asyncio.run(bases.aask("Dichtung?")) == bases.ask("Dichtung?")
        assert len(searches) == 1
        assert asyncio.run(bases.asearch("Dichtung?")) == bases.search("Dichtung?")
        assert len(searches) == 2
