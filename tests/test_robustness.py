"""What makes languages comparable holds where its premises do not, with the real model."""

from __future__ import annotations

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.ports import Detection
from tests.samples import ids
from tests.test_twin_hits import RULES

TOPICS = {
    "de": [
        "Der Motor des Lieferwagens braucht alle 15000 Kilometer neues Öl.",
        "Winterreifen werden in der ersten Novemberwoche aufgezogen.",
        "Die Bremsen des Gabelstaplers prüft die Werkstatt im März.",
        "Wer mit dem Firmenwagen tankt, legt die Quittung in die blaue Mappe.",
    ],
    "fr": [
        "Le pain de seigle cuit quarante minutes à deux cent vingt degrés.",
        "La pâte repose douze heures au froid avant d'être façonnée.",
        "On ajoute le sel à la fin du pétrissage.",
        "Le four est nettoyé chaque dimanche soir.",
    ],
    "pl": [
        "Bilety do muzeum są bezpłatne w każdy czwartek.",
        "Wystawa malarstwa potrwa do końca września.",
        "Przewodnik oprowadza grupy liczące do dwudziestu osób.",
        "Zdjęcia z lampą błyskową są zabronione.",
    ],
}


@pytest.fixture(scope="module")
def kb(tmp_path_factory, real_components):
    """Languages that are about different things, one that has a single passage, and mixtures."""
    documents = [
        Document(id=f"{language}-{n}", text=text)
        for language, texts in TOPICS.items()
        for n, text in enumerate(texts)
    ]
    documents += [
        Document(id=f"rule-{rule}", text=texts["en"])
        for rule, texts in RULES.items()
        if rule != "holiday"
    ]
    documents += [
        Document(id="rare", text="Lykillinn að kjallaranum hangir hjá húsverðinum á jarðhæð."),
        Document(
            id="mixed",
            text="The contract for the lift ends in June. Der Vertrag für die Heizung endet im "
            "Oktober. Le contrat d'électricité se termine en décembre.",
        ),
    ]
    path = tmp_path_factory.mktemp("robust") / "kb"
    with KnowledgeBase.open(path, components=real_components) as opened:
        opened.add(documents)
        opened.publish()
        yield opened


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("Wann werden die Winterreifen aufgezogen?", "de-1"),
        ("Combien de temps la pâte doit-elle reposer ?", "fr-1"),
        ("Kiedy wstęp do muzeum jest za darmo?", "pl-0"),
        ("When do the winter tyres go on?", "de-1"),
        ("¿Cuánto tiempo se hornea el pan de centeno?", "fr-0"),
    ],
)
def test_languages_that_are_about_different_things(kb: KnowledgeBase, question, document):
    assert ids(kb.search(question, k=1)) == [document]


def test_a_language_with_one_passage_is_found(kb: KnowledgeBase):
    assert kb.inspect().languages["is"] == 1
    assert ids(kb.search("Where does the key to the cellar hang?", k=1)) == ["rare"]
    assert ids(kb.search("Wo hängt der Schlüssel zum Keller?", k=1)) == ["rare"]


@pytest.mark.parametrize(
    "question",
    [
        "When does the contract for the lift end?",
        "Wann endet der Vertrag für die Heizung?",
        "Quand se termine le contrat d'électricité ?",
        "電気の契約はいつ終わりますか。",
    ],
)
def test_a_document_that_mixes_languages(kb: KnowledgeBase, question: str):
    assert "mixed" in ids(kb.search(question, k=2))


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("Je, dhamana ya pampu ni ya muda gani?", "rule-warranty"),  # Swahili
        ("Hvor længe gælder garantien på pumpen?", "rule-warranty"),  # Danish
        ("火災報知器が鳴ったらどうすればいいですか。", "rule-fire"),
        ("Müşteriler arabalarını nereye park edebilir?", "rule-parking"),
    ],
)
def test_a_question_in_a_language_that_the_corpus_lacks(kb: KnowledgeBase, question, document):
    assert ids(kb.search(question, k=1)) == [document]


@pytest.mark.parametrize(
    ("question", "document"), [("canteen lunch", "rule-lunch"), ("Winterreifen", "de-1")]
)
def test_too_little_to_tell_the_language(kb: KnowledgeBase, question: str, document: str):
    assert ids(kb.search(question, k=1)) == [document]


@pytest.mark.parametrize("stated", ["fr", "zh", "de", "yo"])
def test_a_language_that_is_stated_wrongly(kb: KnowledgeBase, stated: str):
    hits = kb.search("How long does the guarantee on the pump last?", k=2, language=stated)
    assert "rule-warranty" in ids(hits)


class Mistaken:
    """A detector that takes everything for Finnish."""

    version = "mistaken"

    def detect(self, text: str) -> Detection:
        return Detection("fi", 1.0)

    def plausible(self, text: str) -> tuple[Detection, ...]:
        return (Detection("fi", 1.0),)


def test_a_detector_that_is_always_wrong(tmp_path, real_components):
    import dataclasses

    components = dataclasses.replace(real_components, detector=Mistaken())
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add(
            Document(id=f"{rule}-{language}", text=texts[language])
            for rule, texts in RULES.items()
            for language in ("en", "es")
        )
        hits = kb.search("Wie lange gilt die Garantie?", k=2)
    assert {each.split("-")[0] for each in ids(hits)} == {"warranty"}


def test_a_new_language_is_calibrated_before_the_index_is_built_anew(
    tmp_path, real_components, monkeypatch
):
    monkeypatch.setattr("rag_engine.store.index._FEW", 0)  # of few, all is built anew in memory
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        kb.add(Document(id=f"{rule}-en", text=texts["en"]) for rule, texts in RULES.items())
        kb.publish()
        assert kb._index.snapshot().offsets.seen == {"en"}
        kb.add(Document(id=f"{rule}-es", text=texts["es"]) for rule, texts in RULES.items())
        snapshot = kb._index.snapshot()
        assert kb.inspect().generation == 1
        assert snapshot.offsets.seen == {"en", "es"}
        assert {each.split("-")[0] for each in ids(kb.search("Wo parken Kunden?", k=2))} == {
            "parking"
        }
        kb.publish()
        assert len(kb._index.snapshot().twins)
