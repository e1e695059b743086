"""Pictures in a knowledge base, from adding to deleting; what they show is a colour."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rag_engine import Document, Equals, KnowledgeBase, Settings
from rag_engine.errors import (
    ContractMismatch,
    InvalidDocument,
    InvalidInput,
    SettingsError,
    StorageFailed,
    StoreCorrupt,
)
from rag_engine.images.background import BACKGROUND
from rag_engine.images.document_image import DocumentImage
from rag_engine.images.image_store import IMAGES, ImageStore
from rag_engine.settings import ImagesSettings
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.check import check_store
from tests.doubles import ColourImages
from tests.images.drawn import encoded, picture
from tests.test_twin_hits import RULES

TEXTS = [
    Document(id="filter", text="The filter is replaced every six months."),
    Document(id="museum", text="Das Museum ist am Montag geschlossen."),
    Document(id="garantie", text="La garantie dure trois ans à partir de l'achat."),
    Document(id="agua", text="El agua se cambia cada semana por la tarde."),
]
PICTURES = [
    picture("IMG 1", "red", source="album/1.jpg", metadata={"year": 2024}),
    picture("IMG 2", "green", source="album/2.jpg", metadata={"year": 2025}),
    picture("IMG 3", "blue", source="album/3.jpg", metadata={"year": 2025}),
]


@pytest.fixture(scope="module")
def components(real_components):
    return dataclasses.replace(real_components, images=ColourImages())


@pytest.fixture
def kb(tmp_path, components):
    with KnowledgeBase.open(tmp_path / "kb", components=components) as opened:
        opened.add([*TEXTS, *PICTURES])
        yield opened


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_a_picture_is_found_by_what_it_shows(kb, colour):
    place = ["red", "green", "blue"].index(colour) + 1
    hits = kb.search(f"Which one is painted {colour}?", k=3)
    assert hits[0].chunk.document_id == f"IMG {place}"
    assert hits[0].score == pytest.approx(hits[0].parts.image)
    assert 0.3 < hits[0].score < 1
    assert kb.thumbnail(hits[0].image) == encoded(colour)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits == sorted(hits, key=lambda hit: -hit.score)


def test_a_question_about_texts_finds_texts_as_without_pictures(kb, tmp_path, real_components):
    question = "Wie oft wird der Filter gewechselt?"
    [best, *_] = kb.search(question)
    assert (best.chunk.document_id, best.image, best.parts.image) == ("filter", None, None)
    assert max(hit.parts.image or 0 for hit in kb.search(question)) < 0.3
    with KnowledgeBase.open(tmp_path / "other", components=real_components) as other:
        other.add([*TEXTS, *(dataclasses.replace(one, image=None) for one in PICTURES)])
        [plain, *_] = other.search(question)
        assert plain.score == pytest.approx(best.score)
        assert plain.parts == best.parts
    assert not (tmp_path / "other" / IMAGES).exists()  # and no cost


def test_captions_are_found_as_texts_and_the_better_figure_counts(kb):
    kb.add([picture("plan", "blue", side=90, text="Der Grundriss des Kellers mit allen Räumen")])
    [best, *_] = kb.search("Welcher Grundriss zeigt alle Räume des Kellers?")
    assert best.chunk.document_id == "plan"
    assert best.image
    assert best.score > best.parts.image


def test_filters_and_least_scores_hold_for_pictures(kb):
    found = kb.search("the blue one", where=Equals("year", 2024))
    assert {hit.chunk.document_id for hit in found} == {"IMG 1"}
    found = kb.search("the blue one", where=Equals("year", 2025), k=1)
    assert [hit.chunk.document_id for hit in found] == ["IMG 3"]
    assert all(hit.score >= 0.3 for hit in kb.search("the blue one", min_score=0.3))


def test_what_was_deleted_is_shown_no_more_and_is_gone_from_the_file(kb):
    image = kb.search("the red one", k=1)[0].image
    twin = dataclasses.replace(PICTURES[0], id="copy", source="")
    kb.add([twin])
    kb.delete(["IMG 1"])
    assert kb.search("the red one", k=1)[0].chunk.document_id == "copy"
    assert kb.thumbnail(image)
    kb.delete(["copy"])
    assert kb.thumbnail(image) is None
    assert all(hit.image != image for hit in kb.search("the red one"))
    assert encoded("red") not in (kb.path / IMAGES).read_bytes()


def test_a_replaced_picture_goes_and_the_same_one_costs_nothing(kb, monkeypatch):
    before = kb.search("the red one", k=1)[0].image
    assert kb.add([PICTURES[0]]).unchanged == 1
    report = kb.add([picture("IMG 1", "green", side=80, source="album/1.jpg")])
    assert report.updated == 1
    assert kb.thumbnail(before) is None
    monkeypatch.setattr(ColourImages, "embed_images", lambda *_: pytest.fail("embedded again"))
    kb.add([picture("another name", "green", side=80)])


def test_formulations_are_averaged_and_a_conversation_goes_on(kb):
    [alone] = kb.search("the red one", k=1)
    [both] = kb.search("the red one", also=["something else entirely"], k=1)
    assert both.chunk.document_id == "IMG 1"
    assert 0 < both.parts.image < alone.parts.image
    said = [{"role": "user", "content": "What is green?"}, {"role": "assistant", "content": "It."}]
    assert kb.search("the red one", history=said, k=1)[0].chunk.document_id == "IMG 1"


def test_an_answer_is_read_off_texts_alone(kb):
    assert all(hit.parts.image is None for hit in kb.ask("the red one").hits)


def test_a_reader_finds_what_a_writer_adds_meanwhile(kb, components):
    with KnowledgeBase.open(kb.path, components=components, read_only=True) as reader:
        assert reader.search("the blue one", k=1)[0].chunk.document_id == "IMG 3"
        kb.add([picture("IMG 9", "blue", side=99)])
        hits = sorted(reader.search("the blue one"), key=lambda hit: -(hit.parts.image or 0))
        assert {hit.chunk.document_id for hit in hits[:2]} == {"IMG 3", "IMG 9"}
        kb.delete(["IMG 3", "IMG 9"])
        assert not {"IMG 3", "IMG 9"} & {h.chunk.document_id for h in reader.search("the blue one")}


def test_it_opens_with_its_own_model_or_none(kb, components, real_components):
    kb.close()
    with pytest.raises(ContractMismatch, match=r"images\.weights: stored 'colours 1'"):
        KnowledgeBase.open(
            kb.path, components=dataclasses.replace(components, images=ColourImages("other"))
        )
    with KnowledgeBase.open(kb.path, components=real_components) as without:
        hits = without.search("IMG 1")
        [shown] = [hit for hit in hits if hit.chunk.document_id == "IMG 1"]
        assert without.thumbnail(shown.image) == encoded("red")
        assert shown.parts.image is None
        without.delete(["IMG 1"])  # also without the model, what is deleted goes
        assert without.thumbnail(shown.image) is None
        with pytest.raises(InvalidInput, match=r"'x' is a picture.*images\.model"):
            without.add([picture("x", "red")])
    with KnowledgeBase.open(kb.path, components=components) as again:
        assert again.search("the blue one", k=1)[0].chunk.document_id == "IMG 3"


def test_without_a_model_a_picture_is_refused_and_no_file_is_made(tmp_path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        with pytest.raises(InvalidInput, match="leave the document's image out"):
            kb.add([*TEXTS, *PICTURES])
        assert kb.document_ids() == []
        assert kb.thumbnail("ab" * 32) is None
    assert not (tmp_path / "kb" / IMAGES).exists()


def test_settings_without_effect_are_refused(tmp_path, real_components):
    with pytest.raises(SettingsError, match=r"images\.min_side = 9 has no effect"):
        Settings.checked({"images": {"min_side": 9}}, origin="x")
    with pytest.raises(SettingsError, match=r"images.model = 'm' has no effect.*'rrf'"):
        Settings.checked({"images": {"model": "m"}, "retrieval": {"mode": "rrf"}}, origin="x")
    with pytest.raises(SettingsError, match="hold no images embedder"):
        KnowledgeBase.open(
            tmp_path / "kb",
            settings=Settings(images=ImagesSettings(model="m")),
            components=real_components,
        )
    assert "images" not in Settings().model_dump()


@pytest.mark.parametrize(
    ("data", "thumbnail"),
    [
        (b"<svg/>", encoded("red")),
        (encoded("red"), encoded("red", kind="PNG")),
        (encoded("red"), b"\xff\xd8\xff" + bytes(1 << 16)),
        ("text", encoded("red")),
    ],
)
def test_what_is_no_picture_is_refused(data, thumbnail):
    with pytest.raises(InvalidDocument, match="an image's"):
        DocumentImage(data=data, thumbnail=thumbnail)
    with pytest.raises(InvalidDocument, match="DocumentImage or None"):
        Document(id="a", text="b", image=encoded("red"))


def test_it_is_checked_and_inspected(kb):
    assert kb.inspect().images == 3
    assert kb.inspect().contract["images.model"] == "colours"
    kb.close()
    report = check_store(kb.path)
    assert (report.images, report.problems) == (3, [])
    (kb.path / IMAGES).rename(kb.path / "elsewhere")
    assert (
        "pictures of 3 documents are missing: 'IMG 1', 'IMG 2'"
        in check_store(kb.path).problems[0].reason
    )


def test_damage_is_told_before_it_is_served(kb, components):
    kb.close()
    data = bytearray((kb.path / IMAGES).read_bytes())
    place = data.index(encoded("red"))
    data[place + 10] ^= 1
    (kb.path / IMAGES).write_bytes(data)
    assert "thumbnail" in check_store(kb.path).problems[0].reason
    with KnowledgeBase.open(kb.path, components=components, read_only=True) as opened:
        image = opened.search("the red one", k=1)[0].image
        with pytest.raises(StoreCorrupt, match="the thumbnail"):
            opened.thumbnail(image)


def test_many_pictures_come_in_small_batches(tmp_path, components):
    told = []
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add((picture(f"p {n}", "red", side=16 + n) for n in range(150)), on_progress=told.append)
        assert kb.inspect().images == 150
    assert told == [64, 128, 150]


class _Leaning(ColourImages):
    """Every text in German lies nearer to red: what a language adds is not what is asked for."""

    def embed_queries(self, texts):
        vectors = super().embed_queries(texts)
        german = [text in BACKGROUND["de"] or text.startswith("Welches Bild") for text in texts]
        vectors[:, 0] += 2 * np.array(german, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_what_a_language_adds_to_a_picture_is_taken_out(tmp_path, real_components):
    components = dataclasses.replace(real_components, images=_Leaning("leaning"))
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        kb.add([*TEXTS, *PICTURES])

        def best(language):
            hits = kb.search("Welches Bild ist blue?", language=language)
            return max(hits, key=lambda hit: hit.parts.image or 0).chunk.document_id

        assert best("de") == "IMG 3"
        assert best("en") == "IMG 1"  # measured against English, its German leans to red


def test_a_picture_does_not_stand_for_another_whose_caption_says_the_same(tmp_path, components):
    """Translations of one caption are twins, and the reader's language is preferred of twins."""
    rules = [texts for name, texts in RULES.items() if name != "seal"]
    texts = [Document(id=t[:30], text=t) for each in rules for t in each.values()]
    english, german = RULES["seal"]["en"], RULES["seal"]["de"]
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components) as kb:
        kb.add([*texts, picture("R", "red", text=english), picture("B", "blue", text=german)])
        kb.publish()
        hits = kb.search("Wie sieht die Dichtung aus, red?", language="de", k=20)
        found = {hit.chunk.document_id: hit for hit in hits}
        assert max(found.values(), key=lambda hit: hit.parts.image or 0) is found["R"]
        assert found["R"].twins == found["B"].twins == ()
        assert kb.thumbnail(found["R"].image) == encoded("red")
        assert any(hit.twins for hit in hits)  # of texts they still are one hit
        kb.delete(["B"])
        kb.add([picture("B", "red", text=german)])  # the same picture
        kb.publish()
        [*both] = [h for h in kb.search("Die Dichtung, red", language="de") if h.image]
        assert [hit.chunk.document_id for hit in both] == ["B"]
        assert [twin.chunk.document_id for twin in both[0].twins] == ["R"]


def test_all_pictures_are_looked_at_only_when_some_may_have_to_go(kb, monkeypatch):
    """Else adding a thousand batches would look at all pictures a thousand times."""
    sweeps = []
    keep_only = ImageStore.keep_only

    def failing_once(store, names):
        sweeps.append(len(names))
        if len(sweeps) == 1:
            raise StorageFailed("x", cause="y", reason="io", kept="z")
        return keep_only(store, names)

    monkeypatch.setattr(ImageStore, "keep_only", failing_once)
    for number in range(5):
        kb.add([picture(f"more {number}", "red", side=70 + number)])
    assert sweeps == []
    kb.delete(["IMG 1"])
    kb.add([picture("another", "blue", side=90)])  # what failed is done with the next change
    kb.add([picture("yet another", "blue", side=91)])
    assert sweeps == [7, 8]
    assert kb.inspect().images == 9

    def failing(catalogue, documents):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Catalogue, "replace", failing)
        with pytest.raises(RuntimeError):
            kb.add([picture("never", "red", side=95)])
    assert kb.inspect().images == 10
    kb.add([Document(id="t", text="Text.")])
    assert kb.inspect().images == 9
