"""A knowledge base whose settings have questions translated, by every way of asking."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from rag_engine import Document, Equals, KnowledgeBase, Settings
from rag_engine.answering.translations import NO_TRANSLATIONS
from rag_engine.errors import InvalidInput, ServiceUnreachable, SettingsError
from rag_engine.serialisation import AskReply, SearchReply
from rag_engine.workers import WorkerThreads

TEXTS = {
    "pumpe": "Die Dichtung der Pumpe wird jedes Jahr ersetzt.",
    "crane": "Every spring a technician inspects the crane and greases its chain.",
    "filtre": "Le filtre à huile est nettoyé tous les trois mois par l'opérateur.",
    "水": "每个月都要检查水箱的水位。",
}
QUESTION = "Je, mafuta husafishwa mara ngapi na nani?"
ENGLISH = "How often is the oil filter cleaned, and by whom?"
FRENCH = "À quelle fréquence et par qui le filtre à huile est-il nettoyé ?"
MODES = ["hybrid", "dense", "lexical", "bm25", "rrf"]


class Writer:
    """Translates by a table, and answers everything else with one sentence."""

    name, quotes = "writer", False

    def __init__(self, **translations):
        self.translations = translations
        self.asked = []

    def generate(self, prompt):
        if prompt.passages:
            yield "Kila baada ya miezi mitatu [1]."
            return
        self.asked.append(prompt.language)
        reply = self.translations[prompt.language]
        if isinstance(reply, Exception):
            raise reply
        yield reply


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components):
    folder = tmp_path_factory.mktemp("translations") / "kb"
    with KnowledgeBase.open(folder, components=real_components) as kb:
        kb.add([Document(id=name, text=text) for name, text in TEXTS.items()])
    return folder


@pytest.fixture
def opened(path, real_components):
    """Return a function that opens the knowledge base with a writer and settings of retrieval."""

    def open_with(writer, **retrieval):
        return KnowledgeBase.open(
            path,
            settings=Settings.model_validate({"retrieval": retrieval}),
            components=replace(real_components, generator=writer),
            read_only=True,
        )

    return open_with


def without_translations(hits):
    parts = [replace(hit.parts, translations=(), translation_failures=()) for hit in hits]
    return [replace(hit, parts=part) for hit, part in zip(hits, parts, strict=True)]


@pytest.mark.parametrize("mode", MODES)
def test_a_translation_counts_as_one_that_the_asker_gave(opened, mode):
    with opened(Writer(), mode=mode) as kb:
        alone = kb.search(QUESTION)
        by_hand = kb.search(QUESTION, also=[ENGLISH, FRENCH])
        ranked_by_hand = list(kb.rank([QUESTION], also=[[ENGLISH, FRENCH]]))
    assert by_hand != alone
    with opened(Writer(en=ENGLISH, fr=FRENCH), mode=mode, translate=["en", "fr"]) as kb:
        found = kb.search(QUESTION)
        assert {hit.parts.translations for hit in found} == {(ENGLISH, FRENCH)}
        assert without_translations(found) == by_hand
        assert list(kb.rank([QUESTION])) == ranked_by_hand
        assert asyncio.run(kb.asearch(QUESTION)) == found


def test_it_may_be_made_before_the_search(opened):
    writer = Writer(en=ENGLISH, fr=FRENCH)
    with opened(writer, translate=["en", "fr"]) as kb:
        assert kb.languages_to_translate(QUESTION) == ["en", "fr"]
        assert kb.languages_to_translate(QUESTION, also=[FRENCH]) == ["en"]
        assert kb.languages_to_translate(QUESTION, also=[FRENCH], language="en") == []
        assert writer.asked == []
        made = kb.translate(QUESTION)
        assert made.texts == (ENGLISH, FRENCH)
        writer.asked.clear()
        assert kb.search_translated(QUESTION, made) == kb.search(QUESTION)
        assert writer.asked == []  # they are kept
        with pytest.raises(InvalidInput, match="k is a whole number"):
            kb.search("Pampu?", k=0)
        with pytest.raises(InvalidInput):
            asyncio.run(kb.asearch("Pampu?", history=[1, 2]))
        assert writer.asked == []  # nobody pays for what is refused
    with opened(writer) as kb:
        assert kb.languages_to_translate(QUESTION) == []
        assert kb.translate(QUESTION) == NO_TRANSLATIONS


def test_who_needs_no_translation_waits_for_no_answer(opened):
    class NoAnswers(WorkerThreads):
        def answer(self, do):
            raise AssertionError("an answer's turn was taken")

    with opened(Writer(), translate=["en"]) as kb:
        kb._workers = NoAnswers()
        assert asyncio.run(kb.asearch(ENGLISH)) == kb.search(ENGLISH)
        with pytest.raises(AssertionError, match="turn was taken"):
            asyncio.run(kb.asearch(QUESTION))


def test_none_is_made_unless_it_is_wanted(opened):
    writer = Writer(en=ENGLISH)
    with opened(writer) as kb:
        hits = kb.search(QUESTION)
        answer = kb.ask(QUESTION)
    assert writer.asked == []
    assert answer.translations == hits[0].parts.translations == ()


def test_an_answer_tells_what_was_searched(opened):
    writer = Writer(en=ENGLISH)
    with opened(writer, translate=["en"]) as kb:
        answer = kb.ask(QUESTION)
        awaited = asyncio.run(kb.aask(QUESTION))
        hits = kb.search(QUESTION, k=kb.settings.answering.hits, min_score=kb.least_score)
    assert (answer.translations, answer.warnings) == ((ENGLISH,), ())
    assert awaited == answer
    assert list(answer.hits) == hits
    assert answer.hits[0].chunk.document_id == "filtre"
    assert writer.asked == ["en"]  # it is kept
    assert AskReply.of(QUESTION, answer).translations == [ENGLISH]
    assert SearchReply.of(QUESTION, hits).hits[0].parts.translations == [ENGLISH]


def test_a_model_that_fails_ends_no_search_and_is_told(opened):
    with opened(Writer(), mode="hybrid") as kb:
        alone, answered = kb.search(QUESTION), kb.ask(QUESTION)
    failing = Writer(en=ServiceUnreachable("no route to it"))
    with opened(failing, translate=["en"]) as kb:
        found, answer = kb.search(QUESTION), kb.ask(QUESTION)
        with pytest.raises(ServiceUnreachable):  # what is measured would not be what was set
            list(kb.rank([QUESTION]))
    assert without_translations(found) == alone
    told = "'writer' failed to translate the question into English: no route to it"
    assert {hit.parts.translation_failures for hit in found} == {(told,)}
    assert answer.text == answered.text
    assert answer.warnings == (f"{told}; the question was searched without it",)


def test_a_search_waits_as_long_as_is_set(opened):
    over = threading.Event()

    class Slow(Writer):
        def generate(self, prompt):
            over.wait(60)
            yield ENGLISH

    with opened(Slow(), translate=["en"], translate_timeout_s=0.2) as kb:
        found = kb.search(QUESTION)
        over.set()
    told = "'writer' took longer than 0.2 s to translate the question into English"
    assert {hit.parts.translation_failures for hit in found} == {(told,)}


def test_a_failure_is_told_where_nothing_is_found(opened):
    failing = Writer(en=ServiceUnreachable("no route to it"))
    with opened(failing, translate=["en"]) as kb:
        answer = kb.ask(QUESTION, where=Equals("source", "nowhere"))
    assert answer.hits == ()
    assert ["no route to it" in warning for warning in answer.warnings] == [True]


def test_who_only_quotes_translates_nothing(tmp_path, real_components):
    settings = Settings.model_validate({"retrieval": {"translate": ["en"]}})
    message = r"retrieval\.translate = \('en',\) has no effect: .* only quotes"
    with pytest.raises(SettingsError, match=message):
        KnowledgeBase.open(tmp_path / "kb", settings=settings, embedder=real_components.embedder)
    with pytest.raises(SettingsError, match=message):
        KnowledgeBase.open(tmp_path / "kb", settings=settings, components=real_components)
    assert not (tmp_path / "kb").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"translate": ["klingonish"]}, "'klingonish' is no language; write BCP-47 codes"),
        ({"translate": ["zz"]}, "'zz' is no language"),
        ({"translate": ["en", "EN-gb"]}, "stands there twice"),
        ({"translate": ["en", "de", "fr", "es", "it"]}, "at most 4"),
        ({"translate": "en"}, "tuple"),
        ({"translate_timeout_s": 3}, "has no effect: retrieval.translate names no language"),
        ({"translate": ["en"], "translate_timeout_s": 0}, "greater than 0"),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "bm25"])
def test_what_can_not_be_meant_is_refused(mode, table, message):
    with pytest.raises(SettingsError, match=message):
        Settings.checked({"retrieval": {"mode": mode, **table}}, origin="rag.toml")
