"""One question in several formulations: what they tell together, in every mode of retrieval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.errors import InvalidInput
from tests.test_twin_hits import documents as translations

MODES = ["hybrid", "dense", "lexical", "bm25", "rrf"]
TEXTS = {
    "pumpe": "Die Dichtung der Pumpe wird jedes Jahr ersetzt.",
    "seal": "Every spring a technician inspects the crane and greases its chain.",
    "filtre": "Le filtre à huile est nettoyé tous les trois mois par l'opérateur.",
    "garantía": "La garantía cubre defectos de fabricación durante dos años.",
    "水": "每个月都要检查水箱的水位。",
    "kran": "Der Kran trägt höchstens zwei Tonnen.",
}
QUESTION = "Wie oft wird der Filter gereinigt?"
ALSO = ["À quelle fréquence nettoie-t-on le filtre à huile ?", "oil filter cleaning interval"]


@pytest.fixture(scope="module")
def path(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("formulations") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add([Document(id=name, text=text) for name, text in TEXTS.items()])
    return path


@pytest.fixture(scope="module")
def open_in(path, real_components):
    """Return a function that opens the knowledge base in a mode."""

    def opened(mode: str = "hybrid", **components) -> KnowledgeBase:
        settings = Settings.model_validate({"retrieval": {"mode": mode}})
        parts = replace(real_components, **components)
        return KnowledgeBase.open(path, settings=settings, components=parts, read_only=True)

    return opened


def scores(hits):
    return {hit.chunk.document_id: hit.score for hit in hits}


@pytest.mark.parametrize("mode", MODES)
def test_the_same_formulation_twice_changes_nothing(open_in, mode):
    with open_in(mode) as kb:
        once = kb.search(QUESTION)
        assert kb.search(QUESTION, also=[QUESTION, f" {QUESTION} "]) == once
        several = kb.search(QUESTION, also=ALSO)
        assert kb.search(QUESTION, also=[*ALSO, ALSO[0], QUESTION]) == several
        assert several != once


@pytest.mark.parametrize("mode", MODES)
def test_the_order_of_the_others_does_not_matter(open_in, mode):
    with open_in(mode) as kb:
        one, other = (scores(kb.search(QUESTION, also=also)) for also in (ALSO, ALSO[::-1]))
        assert one == pytest.approx(other, abs=1e-5)


def log_odds(score):
    return float(np.log(score / (1 - score)))


def test_a_score_is_no_less_than_formulations_give_on_average(open_in):
    """All passages are candidates here, so that each has a score by each formulation."""
    with open_in() as kb:
        together = scores(kb.search(QUESTION, also=ALSO))
        apart = [scores(kb.search(text)) for text in (QUESTION, *ALSO)]
    for name in TEXTS:
        each = [log_odds(found[name]) for found in apart]
        assert np.mean(each) - 0.01 <= log_odds(together[name]), name


def test_a_formulation_that_finds_nothing_undoes_little(open_in):
    with open_in() as kb:
        found = scores(kb.search(ALSO[0]))
        joined = scores(kb.search(ALSO[0], also=["Who painted the ceiling?"]))
        nothing = scores(kb.search("Who painted the ceiling?"))
    assert next(iter(joined)) == next(iter(found)) == "filtre"
    middle = (log_odds(found["filtre"]) + log_odds(nothing["filtre"])) / 2
    assert middle + 0.5 < log_odds(joined["filtre"]) < log_odds(found["filtre"])


def test_a_translation_finds_what_the_question_does_not(open_in):
    question = "🛢️ ölsieb-reinigungsturnus?"
    with open_in("lexical") as kb:
        assert "filtre" not in scores(kb.search(question))
        assert next(iter(scores(kb.search(question, also=ALSO)))) == "filtre"


def test_a_hit_tells_the_words_of_every_formulation(open_in):
    with open_in() as kb:
        [alone, *_] = kb.search(QUESTION, k=1)
        [hit, *_] = kb.search(QUESTION, k=1, also=ALSO)
    assert hit.chunk.document_id == "filtre"
    assert hit.query_language == "de"
    assert {"huil", "fréquenc"} & set(hit.parts.matched_terms) - set(alone.parts.matched_terms)
    assert hit.parts.lexical > alone.parts.lexical


def test_a_stated_language_is_that_of_the_question(open_in):
    with open_in() as kb:
        [hit] = kb.search("filtre", k=1, language="de", also=["filtre à huile"])
        assert hit.query_language == "de"
        [embedded, other] = kb._retriever.embed_questions(["Filter", ALSO[0]], language="nl")
    assert embedded.language == "nl"
    assert other.language == "fr"


def test_a_hit_is_shown_in_the_language_of_the_question(tmp_path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(translations())
        kb.publish()
        for question, other in [
            ("Wie lange gilt die Garantie?", "How long does the guarantee last?"),
            ("How long does the guarantee last?", "Wie lange gilt die Garantie?"),
        ]:
            [hit] = kb.search(question, k=1, also=[other])
            assert hit.chunk.language == hit.query_language
            assert hit.twins


class Judge:
    """A reranker that scores by how many words a text shares with a question, times a unit."""

    name = "judge"

    def __init__(self, unit=1.0):
        self.asked = []
        self.unit = unit

    def score(self, question, passages):
        self.asked.append(question)
        words = set(question.lower().split())
        shared = [len(words & set(text.lower().split())) for text in passages]
        return self.unit * np.array(shared, np.float32)


def test_a_reranker_reads_every_formulation(open_in):
    judge = Judge()
    with open_in(reranker=judge) as kb:
        hits = kb.search("der kran", also=["la garantía cubre"])
    assert judge.asked == ["der kran", "la garantía cubre"]
    reranked = {hit.chunk.document_id: hit.parts.rerank for hit in hits}
    # Two of its words and none, three and none.
    assert (reranked["kran"], reranked["garantía"]) == (1.0, 1.5)


class Told:
    """A reranker that thinks one passage good for one formulation, and another fair for both."""

    name = "told"

    def __init__(self, unit):
        self.unit = unit

    def score(self, question, passages):
        one, other = sorted(passages)[:2]
        good = {one: 3.0 if question == "der kran" else 0.0, other: 2.0}
        return self.unit * np.array([good.get(text, 0.0) for text in passages], np.float32)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_the_unit_of_a_reranker_changes_no_order(open_in, unit):
    with open_in(reranker=Told(unit)) as kb:
        hits = kb.search("der kran", also=["la garantía cubre"])
    first, second = hits[:2]
    assert (first.parts.rerank, second.parts.rerank) == pytest.approx((2 * unit, 1.5 * unit))


def test_an_answer_reads_what_all_formulations_find(open_in):
    with open_in("lexical") as kb:
        question = "ölsieb-reinigungsturnus?"
        assert not kb.ask(question).supported
        assert "filtre" in {hit.chunk.document_id for hit in kb.ask(question, also=ALSO).hits}


@pytest.mark.parametrize(
    ("also", "message"),
    [
        ("How often?", "a list of other formulations.*'How often"),
        ([""], "formulation 1 of also: .*not empty"),
        (["fine", " "], "formulation 2 of also: .*not empty"),
        ([7], "formulation 1 of also"),
        ([f"rule {n}" for n in range(9)], "at most 8 formulations, got 9"),
        ({"a", "b"}, "a list of other formulations"),
    ],
)
def test_what_can_not_be_meant_is_refused(open_in, also, message):
    with open_in() as kb:
        with pytest.raises(InvalidInput, match=message):
            kb.search(QUESTION, also=also)
        with pytest.raises(InvalidInput, match=message):
            kb.ask(QUESTION, also=also)


def test_eight_are_not_too_many(open_in):
    with open_in() as kb:
        assert kb.search(QUESTION, also=[f"{QUESTION} {n}" for n in range(8)])


def test_many_questions_are_ranked_by_all_their_formulations(open_in):
    questions, also = [QUESTION, "水箱", "Kran"], [ALSO, [], ["crane", "grue"]]
    with open_in() as kb:
        ranked = [
            {document.document_id: document.score for document in documents}
            for documents in kb.rank(questions, also=also)
        ]
        apart = [
            scores(kb.search(question, also=others))
            for question, others in zip(questions, also, strict=True)
        ]
        assert ranked == [pytest.approx(found, abs=0.01) for found in apart]
        with pytest.raises(InvalidInput, match="each of the 3 questions, got 1"):
            kb.rank(questions, also=[[]])
        with pytest.raises(InvalidInput, match="formulation 1 of also"):
            kb.rank(["x"], also=[[""]])
