"""What a knowledge base holds twice, by the real model."""

from __future__ import annotations

import dataclasses

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.records import Span
from rag_engine.settings import FairnessSettings, Settings
from rag_engine.tasks.duplicate_records import Kind
from tests.doubles import ColourImages, HashEmbedder
from tests.images.drawn import picture
from tests.tasks.test_similarity import SENTENCES

PUMP = (
    "Die Pumpe braucht jedes Jahr eine neue Dichtung. Prüfen Sie vorher, ob das Ventil geschlossen "
    "ist. Nach dem Wechsel muss die Pumpe zehn Minuten lang ohne Druck laufen."
)
OTHER = "Das Brot wird bei zweihundert Grad gebacken und danach auf einem Gitter gekühlt."
DOCUMENTS = {
    "pump": PUMP,
    "copy": PUMP.replace(". ", ".\n\n"),
    "old": PUMP.replace("jedes Jahr", "alle zwei Jahre"),
    "bread": OTHER,
    "museum-fr": "Le musée est fermé le lundi. L'entrée est gratuite pour les enfants.",
    "museum-es": "El museo cierra los lunes. La entrada es gratuita para los niños.",
    "museum-es-copy": "El museo cierra los lunes.  La entrada es gratuita para los niños.",
    "empty": "",
}


def groups(kb, kind):
    return [[document.id for document in group.documents] for group in kb.duplicates().of([kind])]


@pytest.fixture(scope="module")
def kb(tmp_path_factory, bundled_e5):
    path = tmp_path_factory.mktemp("duplicates") / "kb"
    with KnowledgeBase.open(path, embedder=bundled_e5) as opened:
        opened.add(Document(id=name, text=text) for name, text in DOCUMENTS.items())
        yield opened


def test_copies_versions_and_translations_are_told_apart(kb):
    assert groups(kb, Kind.EXACT) == [["pump", "copy"], ["museum-es", "museum-es-copy"]]
    assert groups(kb, Kind.NEAR) == [["pump", "copy", "old"]]
    # The copy beside the Spanish one does not hide that it is a translation, and belongs to it.
    assert groups(kb, Kind.TRANSLATION) == [["museum-fr", "museum-es", "museum-es-copy"]]
    found = kb.duplicates()
    assert found.documents == len(DOCUMENTS) - 1  # an empty one has nothing to compare
    near, translation = found.of([Kind.NEAR, Kind.TRANSLATION])
    assert near.pairs == (("pump", "old"),)
    assert translation.copies == (("museum-es", "museum-es-copy"),)
    assert [document.language for document in translation.documents] == ["fr", "es", "es"]


def test_passages_are_told_too(kb):
    found = kb.duplicates()
    texts = {
        kind: [
            {each.chunk.document_id for each in kb.passages(group)}
            for group in found.passages[kind]
        ]
        for kind in Kind
    }
    assert texts[Kind.EXACT] == [{"pump", "copy"}, {"museum-es", "museum-es-copy"}]
    assert texts[Kind.NEAR] == [{"pump", "old"}]
    assert {"museum-fr", "museum-es"} in texts[Kind.TRANSLATION]
    assert found.as_dict()["passages"].keys() == {"exact", "near", "translation"}


def test_what_was_added_after_the_index_was_built_is_found(tmp_path, bundled_e5):
    with KnowledgeBase.open(tmp_path / "kb", embedder=bundled_e5) as kb:
        kb.add([Document(id="fr", text=DOCUMENTS["museum-fr"]), Document(id="x", text=OTHER)])
        kb.publish()
        kb.add([Document(id="es", text=DOCUMENTS["museum-es"])])
        assert groups(kb, Kind.TRANSLATION) == [["fr", "es"]]
        kb.delete(["es"])
        assert groups(kb, Kind.TRANSLATION) == []


def test_of_many_languages_most_translations_are_found_and_nothing_else(tmp_path, bundled_e5):
    with KnowledgeBase.open(tmp_path / "kb", embedder=bundled_e5) as kb:
        kb.add(
            Document(id=f"{language}-{place}", text=text, language_hint=language)
            for language, texts in SENTENCES.items()
            for place, text in enumerate(texts)
        )
        found = kb.duplicates().of([Kind.TRANSLATION])
    contents = [{each.id.split("-")[1] for each in group.documents} for group in found]
    assert all(len(each) == 1 for each in contents)
    assert sum(len(group.documents) for group in found) >= 10  # of 30, of few words each


def with_footer(number: int) -> Document:
    body, footer = f"Page {number} is about {number * 7}. " * 20, "All rights reserved. " * 20
    spans = (Span(start=0, end=len(body)), Span(start=len(body), end=len(body + footer), page=2))
    return Document(id=str(number), text=body + footer, spans=spans)


def test_a_footer_of_all_documents_makes_no_duplicates_of_them(tmp_path):
    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder()) as kb:
        kb.add(with_footer(number) for number in range(1, 30))
        found = kb.duplicates()
    assert found.groups == ()
    assert any(len(group) == 29 for group in found.passages[Kind.EXACT])


def test_without_centring_no_translation_is_looked_for(tmp_path):
    settings = Settings(fairness=FairnessSettings(enabled=False))
    with KnowledgeBase.open(tmp_path / "kb", settings=settings, embedder=HashEmbedder()) as kb:
        assert kb.duplicates().as_dict()["translations"] is False
        kb.add([Document(id="a", text=PUMP), Document(id="b", text=PUMP)])
        assert groups(kb, Kind.EXACT) == [["a", "b"]]


def test_documents_of_different_pictures_are_no_duplicates_whatever_is_said_of_them(
    tmp_path, real_components
):
    """Without captions the text is the name of the file, and cameras give the same to many."""
    french, spanish = DOCUMENTS["museum-fr"], DOCUMENTS["museum-es"]
    pictures = [
        picture("a/IMG_0001.png", "red", text="IMG 0001"),
        picture("b/IMG_0001.png", "blue", text="IMG 0001"),
        picture("b/copy.png", "blue", text="IMG 0001"),
        Document(id="a text", text="IMG 0001"),
        picture("new pump", "red", side=70, text=PUMP),
        picture("old pump", "blue", side=70, text=DOCUMENTS["old"]),
        picture("le musée", "red", side=80, text=french),
        picture("el museo", "blue", side=80, text=spanish),
    ]
    components = dataclasses.replace(real_components, images=ColourImages())
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add(pictures)
        assert groups(kb, Kind.EXACT) == [["b/IMG_0001.png", "b/copy.png"]]
        assert groups(kb, Kind.NEAR) == groups(kb, Kind.TRANSLATION) == []
        found = kb.duplicates().passages
        assert [len(group) for group in found[Kind.EXACT]] == [2]
        assert found[Kind.NEAR] == found[Kind.TRANSLATION] == ()
        # The same captions of one picture: now they are.
        kb.delete(["el museo"])
        kb.add([picture("el museo", "red", side=80, text=spanish)])
        assert groups(kb, Kind.TRANSLATION) == [["le musée", "el museo"]]
