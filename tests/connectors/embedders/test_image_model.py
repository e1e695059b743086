"""A tiny CLIP, trained in the test, through the connector that opens any multimodal model."""

from __future__ import annotations

import io

import numpy as np
import pytest

from rag_engine.connectors.embedders.image_model import SentenceTransformerImages
from rag_engine.errors import InvalidInput, ModelError
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
    assert [shown[place][0] for place in nearest] == [colour for colour, _ in shown]


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
    with pytest.raises(ModelError, match="24 numbers.*32"):
        SentenceTransformerImages(model=str(clip), text_model=str(texts), device="cpu")
    pair = SentenceTransformerImages(model=str(clip), text_model=str(clip), device="cpu")
    assert pair.contract.model == f"{clip.name} + {clip.name}"
