"""A tiny CLIP, trained in the test, through the connector that opens any multimodal model."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from rag_engine.connectors.embedders.image_model import SentenceTransformerImages
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.images.image_store import IMAGES
from rag_engine.pipelines.cli import main
from rag_engine.ports import ImageEmbedder
from tests.connectors.tiny_clip import COLOURS, SHAPES, drawing, save_clip
from tests.connectors.tiny_models import save_embedder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def embedder(clip):
    return SentenceTransformerImages(model=str(clip), device="cpu")


def _png(image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def test_questions_lie_near_the_pictures_that_show_what_they_ask_for(embedder):
    assert isinstance(embedder, ImageEmbedder)
    shown = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    images = embedder.embed_images(
        [_png(drawing(*thing, seed=900 + n, side=120)) for n, thing in enumerate(shown)]
    )
    questions = embedder.embed_queries([f"which picture shows the {' '.join(t)}?" for t in shown])
    assert images.shape == questions.shape == (12, embedder.dimension)
    assert images.dtype == questions.dtype == np.float32
    for vectors in (images, questions):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    nearest = (questions @ images.T).argmax(axis=1)
    right = [shown[place][0] == colour for place, (colour, _) in zip(nearest, shown, strict=True)]
    assert sum(right) >= 10  # three of twelve by chance


def test_a_batch_gives_what_its_pictures_give_alone_and_modes_do_not_matter(embedder):
    plain = drawing("red", "circle", side=64)
    files = [_png(plain), _png(plain.convert("RGBA")), _png(plain.convert("P"))]
    together = embedder.embed_images(files * 8)  # more than one batch
    alone = embedder.embed_images(files[:1])
    np.testing.assert_allclose(together, np.repeat(alone, 24, axis=0), atol=1e-3)


def test_a_long_question_is_cut_and_none_at_all_is_no_error(embedder):
    assert embedder.embed_queries(["the red circle " * 200]).shape == (1, embedder.dimension)
    assert embedder.embed_queries([]).shape == (0, embedder.dimension)
    assert embedder.embed_images([]).shape == (0, embedder.dimension)


@pytest.mark.parametrize("bad", [b"", b"no image", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_image_is_refused(embedder, bad):
    with pytest.raises(InvalidInput, match="no JPEG or PNG"):
        embedder.embed_images([bad])
    with pytest.raises(InvalidInput, match="pass a list"):
        embedder.embed_images(bad)
    with pytest.raises(InvalidInput, match="pass a list"):
        embedder.embed_queries("one text")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked(embedder):
    from PIL import Image

    with pytest.raises(InvalidInput, match="at most 25,000,000"):
        embedder.embed_images([_png(Image.new("1", (6_000, 6_000)))])


def test_the_contract_names_the_weights(embedder, clip):
    contract = embedder.contract
    assert contract.model == clip.name
    assert len(contract.weights) == 64
    assert contract.dimension == 24


def test_a_model_of_texts_alone_is_refused_and_so_are_two_of_other_spaces(tmp_path, clip):
    texts = save_embedder(tmp_path)
    with pytest.raises(ModelError, match="reads text, no images"):
        SentenceTransformerImages(model=str(texts), device="cpu")
    with pytest.raises(ModelError, match=r"24 numbers.*32"):
        SentenceTransformerImages(model=str(clip), text_model=str(texts), device="cpu")
    pair = SentenceTransformerImages(model=str(clip), text_model=str(clip), device="cpu")
    assert pair.contract.model == f"{clip.name} + {clip.name}"


def test_a_folder_of_pictures_is_indexed_and_searched_from_the_command_line(tmp_path, clip, capsys):
    """All of it: files, a document with a picture in it, a model, hits beside those of texts."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number, (colour, shape) in enumerate([("red", "circle"), ("green", "square")]):
        drawing(colour, shape, seed=900 + number, side=200).save(folder / f"IMG_{number}.png")
    coded = base64.b64encode(_png(drawing("blue", "circle", seed=950, side=200))).decode()
    (folder / "page.html").write_text(
        '<html lang="de"><p>Die Pumpe steht im Keller des Hauses und wird jedes Jahr geprüft.</p>'
        f'<img src="data:image/png;base64,{coded}"></html>',
        encoding="utf-8",
    )
    settings = tmp_path / "rag.toml"
    settings.write_text(f'[images]\nmodel = "{clip.as_posix()}"\n[ocr]\nenabled = "never"\n')
    kb = str(tmp_path / "kb")
    assert main(["index", str(folder), "--kb", kb, "--settings", str(settings)]) == 0
    assert "documents: 4 added" in capsys.readouterr().out
    assert main(["index", str(folder), "--kb", kb, "--settings", str(settings)]) == 0
    assert "3 files: 3 unchanged" in capsys.readouterr().out

    def found(question: str) -> list[dict]:
        assert main(["search", question, "--kb", kb, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["result"]["hits"]

    for question, document in (
        ("the red circle", "album/IMG_0.png"),
        ("which picture shows a green square", "album/IMG_1.png"),
        ("where is the blue circle", "album/page.html#image-1"),
    ):
        pictures = [hit for hit in found(question) if hit["parts"]["image"]]
        best = max(pictures, key=lambda hit: hit["parts"]["image"])
        assert best["document"] == document
        assert best["score"] >= best["parts"]["image"]
        assert len(best["image"]) == 64
    assert found("Wo steht die Pumpe?")[0]["document"] == "album/page.html"
    assert main(["check", "--kb", kb]) == 0
    assert "3 pictures verified" in capsys.readouterr().out
    assert main(["inspect", "--kb", kb]) == 0
    assert "images.model: tiny-clip" in capsys.readouterr().out
    (folder / "IMG_0.png").unlink()
    assert main(["index", str(folder), "--kb", kb, "--sync"]) == 0
    assert "1 deleted" in capsys.readouterr().out
    assert main(["check", "--kb", kb]) == 0
    assert "2 pictures verified" in capsys.readouterr().out


def test_damaged_pictures_are_mended_by_indexing_again(tmp_path, clip, capsys):
    folder = tmp_path / "album"
    folder.mkdir()
    drawing("red", "circle", seed=900, side=200).save(folder / "IMG_0.png")
    settings = tmp_path / "rag.toml"
    settings.write_text(f'[images]\nmodel = "{clip.as_posix()}"\n[ocr]\nenabled = "never"\n')
    kb = tmp_path / "kb"
    assert main(["index", str(folder), "--kb", str(kb), "--settings", str(settings)]) == 0
    (kb / IMAGES).write_bytes(b"gone")
    assert main(["check", "--kb", str(kb)]) == 3
    assert main(["check", "--kb", str(kb), "--repair"]) == 3
    assert "index the files again" in capsys.readouterr().out
    assert main(["index", str(folder), "--kb", str(kb)]) == 0
    assert main(["check", "--kb", str(kb)]) == 0
    assert "1 pictures verified" in capsys.readouterr().out
