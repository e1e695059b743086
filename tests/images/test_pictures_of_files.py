"""Pictures of files in a knowledge base: what brings them, what keeps them, what is none."""

from __future__ import annotations

import base64
import dataclasses
import json

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.loaders.pictures import PictureRules
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import ContractMismatch, InvalidDocument, LoadLimitExceeded
from rag_engine.images.document_image import IMAGE_KEY
from tests.doubles import ColourImages
from tests.images.drawn import encoded, picture


@pytest.fixture(scope="module")
def components(real_components):
    return dataclasses.replace(real_components, images=ColourImages())


def test_files_are_not_read_without_the_model_of_their_pictures(
    tmp_path, components, real_components
):
    """They would give no pictures, and those that they gave before would be deleted."""
    folder, path = tmp_path / "album", tmp_path / "kb"
    folder.mkdir()
    (folder / "pump.png").write_bytes(encoded("red", kind="PNG"))
    loaders = default_loaders(ocr=None, pictures=PictureRules())
    with KnowledgeBase.open(
        path, components=dataclasses.replace(components, loaders=loaders)
    ) as kb:
        assert kb.add_files(folder).added == 1
    with KnowledgeBase.open(path, components=real_components) as kb:
        for index in (
            lambda: kb.add_files(folder, sync=True, allow_empty=True),
            lambda: kb.add_file(folder / "pump.png", source="album/pump.png"),
        ):
            with pytest.raises(ContractMismatch, match=r"images\.model: stored 'colours'"):
                index()
        assert kb.document_ids() == ["album/pump.png"]
        kb.delete_source("album/pump.png")
        (folder / "pump.png").unlink()
        (folder / "a.txt").write_text("The pump hums.", encoding="utf-8")
        assert kb.add_files(folder).added == 1  # nothing is a picture any more


def test_pictures_that_can_not_be_read_this_time_stay(tmp_path, components, monkeypatch):
    page, kb_path = tmp_path / "page.html", tmp_path / "kb"

    def written(text):
        coded = [base64.b64encode(encoded(c, kind="PNG")).decode() for c in ("red", "blue")]
        images = "".join(f'<img src="data:image/png;base64,{one}">' for one in coded)
        page.write_text(f"<p>{text}</p>{images}", encoding="utf-8")

    def breaks(sandbox, parser, file, options, *, name):
        yield next(shown(sandbox, parser, file, options, name=name))
        raise LoadLimitExceeded(f"{name}: parsing took longer than 30 s")

    shown = Sandbox.shown
    loaders = default_loaders(ocr=None, pictures=PictureRules())
    names = ["page.html", "page.html#image-1", "page.html#image-2"]
    with KnowledgeBase.open(
        kb_path, components=dataclasses.replace(components, loaders=loaders)
    ) as kb:
        written("The pump hums.")
        kb.add_file(page, source="page.html")
        assert kb.document_ids() == names
        written("The pump hums no more.")
        monkeypatch.setattr(Sandbox, "shown", breaks)
        report = kb.add_file(page, source="page.html")
        assert "longer than 30 s" in report.problems[0].reason
        assert (report.deleted, kb.document_ids()) == (0, names)
        assert kb.thumbnail(kb.search("the blue one", k=1)[0].image)
        monkeypatch.undo()
        page.write_text("<p>The pump hums no more.</p>", encoding="utf-8")
        assert kb.add_file(page, source="page.html").deleted == 2


@pytest.mark.parametrize("with_model", [True, False])
def test_a_digest_in_the_metadata_of_one_s_own_is_taken_for_no_picture(
    tmp_path, components, real_components, with_model
):
    parts = components if with_model else real_components
    rows = tmp_path / "rows.jsonl"
    lines = [{"id": "a", "text": "One.", IMAGE_KEY: "ab" * 32}, {"id": "b", "text": "Two."}]
    rows.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with KnowledgeBase.open(tmp_path / "kb", components=parts) as kb:
        with pytest.raises(InvalidDocument, match=r"'own': its metadata field 'image_sha256' is"):
            kb.add([Document(id="own", text="x", metadata={IMAGE_KEY: "ab" * 32})])
        kb.add([Document(id="name", text="A file's name.", metadata={IMAGE_KEY: "a.png"})])
        report = kb.add_file(rows, source="rows.jsonl")
        assert (report.added, len(report.problems)) == (1, 1)  # the other row is none the worse
        assert "give the field another name" in report.problems[0].reason
        assert all(hit.image is None for hit in kb.search("One"))
        if with_model:  # what was read out of it may come back
            kb.add([picture("red", "red")])
            [hit] = [hit for hit in kb.search("the red one") if hit.image]
            kb.add([Document(id="red", text="Another caption", metadata=hit.metadata)])
            assert kb.thumbnail(hit.image) == encoded("red")
