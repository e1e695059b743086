"""Fitting a model whose languages and contents are known."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.model_fitting import Aligned, Paired, fit_model, gives_tokens
from rag_engine.errors import InvalidInput
from rag_engine.ports import TokenVectors
from tests.doubles import HashEmbedder

WIDTH = 128
LANGUAGES = ("de", "en", "fr", "sw")


class TwoParts(HashEmbedder):
    """Texts are ``language/content``: a vector is a unit one of each, the language twice as long.

    Its tokens are words; it tells them apart by their first letter, and knows no weights.
    """

    vocabulary_size = 26
    weighs_tokens = False

    def _embed(self, texts):
        parts = [
            2 * super(TwoParts, self)._embed([text.split("/")[0]])[0]
            + super(TwoParts, self)._embed([text.split("/")[1]])[0]
            for text in texts
        ]
        vectors = np.array(parts, np.float32).reshape(-1, WIDTH)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    embed_queries = embed_passages = _embed

    def embed_passage_tokens(self, texts, basis):
        tokens = []
        for text in texts:
            language, content = text.split("/")
            states = self._embed([f"{language}/{word}" for word in content.split()]) @ basis.T
            tokens.append(TokenVectors(states, np.ones(len(states), np.float32)))
        return self._embed(texts), tokens

    embed_query_tokens = embed_passage_tokens

    def token_ids(self, texts):
        return [[ord(word[0]) % 26 for word in text.split("/")[1].split()] for text in texts]


def aligned(count=40, languages=LANGUAGES):
    contents = [f"the {chr(98 + row % 20)}{row} word" for row in range(count)]
    return Aligned(
        "aligned",
        {name: {row: f"{name}/{text}" for row, text in enumerate(contents)} for name in languages},
    )


APART = {name: {2 * row + odd: name for row in range(12)} for odd, name in enumerate(("de", "fr"))}


def test_what_is_fitted_makes_translations_equal():
    embedder = TwoParts(WIDTH)
    fit = fit_model(embedder, [aligned()])
    prior = fit.prior
    assert prior.languages == LANGUAGES
    questions = embedder.embed_queries([f"de/new {row}" for row in range(20)])
    passages = embedder.embed_passages([f"sw/new {row}" for row in range(20)])
    for name, vectors in (("de", questions), ("sw", passages)):
        assert np.abs(prior.place(name) - vectors.mean(axis=0)).max() < 0.1
    moved = (questions - prior.place("de")) @ (passages - prior.place("sw")).T
    assert np.diag(moved).min() > moved[~np.eye(20, dtype=bool)].max()


def test_tokens_get_a_space_and_weights():
    fit = fit_model(TwoParts(WIDTH), [aligned()])
    space = fit.token_space
    assert space.basis.shape == (WIDTH, WIDTH)
    assert np.allclose(np.linalg.norm(space.background, axis=1), 1, atol=1e-2)
    weights = fit.token_weights
    assert weights.shape == (26,)
    assert weights[ord("t") % 26] < weights[ord("b") % 26]  # "the" is everywhere
    assert np.isclose(weights[ord("t") % 26], -np.log((40 + 2) / 120), atol=0.1)


def test_an_embedder_of_texts_alone_gets_a_prior_alone():
    embedder = HashEmbedder()
    assert not gives_tokens(embedder)
    fit = fit_model(embedder, [aligned()])
    assert fit.token_space is None
    assert fit.token_weights is None


def test_pairs_and_aligned_sentences_agree():
    """Pairs in Tatoeba's form are about other things in each language, and find the same places."""
    embedder = TwoParts(WIDTH)
    pairs = {
        name: [(f"{name}/{name} {row}", f"en/{name} {row}") for row in range(200)]
        for name in ("de", "fr", "sw")
    }
    one = fit_model(embedder, [Paired("pairs", pairs)], sentences=200).prior
    other = fit_model(embedder, [aligned(200)], sentences=200).prior
    for name in LANGUAGES:
        mine, its = one.offset(name), other.offset(name)
        assert mine @ its > 0.95 * np.linalg.norm(mine) * np.linalg.norm(its), name
    joined = fit_model(embedder, [Paired("pairs", pairs), aligned(200)], sentences=200)
    assert joined.prior.languages == LANGUAGES
    assert joined.made_of == {
        "languages": 4,
        "sentences": 200 * 7,
        "sources": ["pairs", "aligned"],
    }


def test_a_source_of_too_few_is_named_before_anything_is_embedded():
    pairs = Paired("tatoeba", {"de": [("de/a", "en/a")] * 9, "en": [("en/a", "en/a")] * 99})
    for few, found in (
        (pairs, "the most are 9, in de"),
        (aligned(9), "the most are 9, in de"),
        (Paired("tatoeba", {}), "it has none"),
    ):
        embedder = TwoParts(WIDTH)
        embedder.embed_passages = embedder.embed_passage_tokens = None
        with pytest.raises(InvalidInput, match=rf"{few.name} has no language .*\({found}\)"):
            fit_model(embedder, [aligned(), few])


@pytest.mark.parametrize(
    ("sources", "sentences", "said"),
    [
        ([], 128, "0 sources"),
        ([aligned(9)], 128, "aligned has no language with 10"),
        ([aligned(20, ("de",))], 128, "got them in de"),
        ([aligned(20)], 9, "sentences = 9"),
        ([Aligned("apart", APART)], 10, "of the 10 sentences of apart that most"),
    ],
)
def test_too_little_is_refused(sources, sentences, said):
    with pytest.raises(InvalidInput, match=said):
        fit_model(HashEmbedder(), sources, sentences=sentences)
