"""A whole report: of a knowledge base with faults, of a few passages, and beside a writer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.answering.translations import NO_TRANSLATIONS
from rag_engine.connectors.health_page import health_page
from rag_engine.errors import InvalidInput, ServiceUnreachable
from rag_engine.health.absent_embedder import AbsentEmbedder
from tests.doubles import HashEmbedder

TOPICS = [
    ("The bakery opens at six.", "Die Bäckerei öffnet um sechs Uhr."),
    ("The ferry carries nine cars.", "Die Fähre befördert neun Autos."),
    ("Our neighbour keeps four goats.", "Unser Nachbar hält vier Ziegen."),
    ("The museum is closed on Mondays.", "Das Museum ist montags geschlossen."),
    ("The old mill belongs to the town.", "Die alte Mühle gehört der Gemeinde."),
    ("The soup contains leeks and thyme.", "Die Suppe enthält Lauch und Thymian."),
]
FAULTS = [
    Document(id="copy", text="The  bakery opens at six."),
    Document(id="lost", text="Die Pumpe f\ufffdrdert drei\ufffdig Liter und bleibt k\ufffdhl."),
    Document(
        id="wrong",
        text="Die Heizung wird im Sommer abgeschaltet, weil niemand warmes Wasser braucht.",
        language_hint="es",
    ),
    Document(
        id="title",
        title="How to replace the rubber ring of the kitchen tap",
        text="Drehen Sie zuerst das Wasser ab. Danach lösen Sie die Schraube.",
    ),
]


def documents():
    for number, (english, german) in enumerate(TOPICS):
        yield Document(id=f"en/{number}", text=english)
        yield Document(id=f"de/{number}", text=german)


@pytest.fixture(scope="module")
def kb(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("health") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add([*documents(), *FAULTS])
        yield kb


def by_check(report):
    return {each.check: each for each in report.findings}


def test_each_fault_is_found_and_says_what_to_do(kb):
    report = kb.health()
    found = by_check(report)
    assert {
        name: [each.passage for each in found[name].examples]
        for name in ("copies", "garbage", "language claimed otherwise", "title in another language")
    } == {
        "copies": ["en/0#0"],
        "garbage": ["lost#0"],
        "language claimed otherwise": ["wrong#0"],
        "title in another language": ["title#0"],
    }
    assert found["copies"].examples[0].note == "as copy#0"
    assert all(each.advice and each.says for each in report.findings)
    assert (report.passages, report.looked_at, report.documents) == (16, 16, 16)


def test_translations_are_counted_and_asked_for(kb):
    report = kb.health()
    assert 4 <= report.translation_pairs["de-en"] <= 7
    asked = report.pseudo_questions.translations
    assert set(asked) == {"de->en", "en->de"}
    assert all(4 <= each.asked <= 7 and each.found == each.asked for each in asked.values())
    assert by_check(report)["found across languages"].fine


def test_it_is_plain_data_and_the_same_again(kb):
    report = kb.health(sample=8, seed=3)
    assert report.looked_at == 8
    assert json.loads(json.dumps(report.as_dict()))["passages"] == 16
    assert kb.health(sample=8, seed=3).as_dict() == report.as_dict()
    assert kb.health(sample=8, seed=4).as_dict() != report.as_dict()


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("sample", 0, "1 to 20,000"),
        ("sample", 20_001, "1 to 20,000"),
        ("sample", "x", "1 to 20,000"),
        ("sample", None, "1 to 20,000"),
        ("questions", -1, "0 or more"),
        ("questions", 2.5, "0 or more"),
        ("questions", True, "0 or more"),
        ("seed", -1, "0 or more"),
    ],
)
def test_what_can_not_be_meant_is_refused(kb, option, value, allowed):
    with pytest.raises(InvalidInput) as refused:
        kb.health(**{option: value})
    assert str(refused.value) == f"{option} is a whole number, {allowed}; got {value!r}"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_of_a_few_passages(count, tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(list(documents())[:count])
        report = kb.health()
        assert report.passages == count
        assert report.placement is None
        told = by_check(report)
        for name in ("languages apart", "found by its heading", "hubs", "found by nothing"):
            assert name not in told or told[name].state == "not told"
        assert told[UNTOLD[count]].state == "not told"
        page = health_page(report, "few")
        assert "<h2>Not told</h2>" in page
        assert '<article class="look">' not in page
        assert ("Nothing could be told" in page) is (count == 0)


UNTOLD = {0: "knowledge base", 1: "copies", 5: "amid another language"}


def test_an_empty_one_says_one_thing(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        [finding] = kb.health().as_dict()["findings"]
    assert (finding["state"], finding["fine"]) == ("not told", False)
    assert finding["says"] == "nothing to look at: index something first"
    assert finding["advice"] == "rag-engine index FOLDER --kb DIR"


def test_states_are_plain_data_too(kb):
    report = kb.health()
    states = {each["check"]: each["state"] for each in report.as_dict()["findings"]}
    assert states["copies"] == "look"
    assert states["bare headings"] == "ok"
    assert states["hubs"] == "not told"
    assert states == {each.check: each.state for each in report.findings}


def test_short_headings_are_weighed_by_script_and_counted(tmp_path, quick_components):
    titles = ["Pumpe 1", "Pumpe 2", "Pumpe der Anlage 3", "水泵故障", "水泵", "펌프고장", "เครื่องสูบ"]
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(
            Document(id=str(number), title=title, text=f"{text} {number}.")
            for number, (title, (text, _)) in enumerate(zip(titles, TOPICS * 2, strict=False))
        )
        report = kb.health()
    asked = report.pseudo_questions
    assert sum(each.asked for each in asked.headings.values()) == 4
    assert asked.short_headings == 3
    says = by_check(report)["found by its heading"].says
    assert says.endswith("; 3 too short to ask (under 12 characters)")


def test_headings_that_are_all_short_are_not_told(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(
            Document(id=str(number), title=f"Pumpe {number}", text=text)
            for number, (text, _) in enumerate(TOPICS)
        )
        told = by_check(kb.health())["found by its heading"]
    assert told.state == "not told"
    assert "6 too short to ask" in told.says


def test_what_is_in_no_language_has_examples(tmp_path, real_components):
    codes = [Document(id=f"codes/{n}", text=f"{n}7 | 0{n} | 12.{n} | 99") for n in range(1, 4)]
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([*documents(), *codes])
        told = by_check(kb.health())["language unknown"]
    assert (told.state, told.count) == ("look", 3)
    assert [each.passage for each in told.examples] == ["codes/1#0", "codes/2#0", "codes/3#0"]
    assert "of prose, state the language" in told.advice
    assert "codes, tables and encoded data have none" in told.advice


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in files}


def test_beside_a_writer_nothing_is_changed(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as writer:
        writer.add(documents())
        writer.publish()
        writer.add(FAULTS)
        writer.delete(["en/0"])
        before = digest(tmp_path / "kb")
        with KnowledgeBase.open(
            tmp_path / "kb", components=quick_components, read_only=True
        ) as reader:
            report = reader.health()
        assert report.passages == 15
        assert by_check(report)["garbage"].count == 1
        assert digest(tmp_path / "kb") == before


def test_what_goes_meanwhile_is_left_out(tmp_path, quick_components):
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(documents())
        gone = []

        def delete(stage, done, total):
            if stage == "reading documents" and not gone:
                gone.extend(kb.delete(["en/1", "de/2"]))

        report = kb.health(on_stage=delete)
        assert gone == ["en/1", "de/2"]
        assert report.looked_at == 12


def test_without_the_model_all_but_questions_is_told(kb):
    contract = kb.inspect().contract
    kb.publish()
    with KnowledgeBase.open(kb.path, embedder=AbsentEmbedder(contract), read_only=True) as without:
        report = without.health()
    assert report.pseudo_questions is None
    told = by_check(report)["pseudo-questions"]
    assert not told.fine
    assert "is not here" in told.says
    whole = by_check(kb.health())
    for name in ("copies", "garbage", "translations", "language claimed otherwise"):
        assert by_check(report)[name] == whole[name]


class Page(HTMLParser):
    """Gathers tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_shows_texts_as_text_and_loads_nothing(tmp_path, real_components):
    hostile = Document(
        id='"><script>alert(1)</script>',
        text="<img src=x onerror=alert(2)> חשוב לכבות את המשאבה לפני הניקוי \ufffd\ufffd\ufffd",
        title="</title><script>alert(3)</script>",
    )
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add([*documents(), *documents(), hostile])
        text = health_page(kb.health(), "<b>kb</b>")
    page = Page(text)
    assert page.open == []
    assert not {"script", "img", "link", "b", "iframe"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "onerror", "onload"} & names
    assert ("dir", "rtl") in page.attributes
    assert "default-src 'none'" in text
    assert "&lt;img src=x onerror=alert(2)&gt;" in text
    assert {"svg", "table"} <= set(page.tags)


class Down(HashEmbedder):
    """Is a server that counts tokens, and embeds no question."""

    def embed_queries(self, texts):
        raise ServiceUnreachable("http://127.0.0.1:9 does not answer")


def test_a_model_that_fails_leaves_out_the_questions_alone(tmp_path, quick_components):
    down = replace(quick_components, embedder=Down())
    with KnowledgeBase.open(tmp_path / "kb", components=down) as kb:
        kb.add([*documents(), *FAULTS])
        report = kb.health()
    assert report.pseudo_questions is None
    told = by_check(report)["pseudo-questions"]
    assert not told.fine
    assert told.says == "none were asked: http://127.0.0.1:9 does not answer"
    assert by_check(report)["copies"].count == 1


class Writer:
    """Is asked nothing, as a generator or a reranker."""

    name, quotes = "writer", False

    def generate(self, prompt):
        raise AssertionError(prompt)

    def score(self, question, texts):
        raise AssertionError(question)


def test_no_language_model_is_asked(tmp_path, real_components):
    components = replace(real_components, generator=Writer(), reranker=Writer())
    settings = Settings.model_validate({"retrieval": {"translate": ["en", "fr"]}})
    with KnowledgeBase.open(tmp_path / "kb", settings=settings, components=components) as kb:
        kb.add([*documents(), *FAULTS])
        with pytest.raises(AssertionError):
            kb.translate("Makumbusho hufungwa lini?")
        with pytest.raises(AssertionError):
            kb.search_translated("Wann öffnet die Bäckerei?", NO_TRANSLATIONS)  # it is reranked
        asked = kb.health().pseudo_questions
    assert sum(each.asked for each in asked.translations.values()) >= 8
