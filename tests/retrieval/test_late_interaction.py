"""Late interaction, by a slow and plain reckoning and by the real model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.calibration.token_space import TokenSpace, centred_tokens, load_token_space
from rag_engine.ports import TokenVectors
from rag_engine.retrieval.late_interaction import PassageTokens, late_interaction_scores
from rag_engine.store.token_vectors import EightBits
from tests.doubles import HashEmbedder


def unit(rows: int, seed: int):
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    return centred_tokens(vectors, np.zeros(8, np.float32))


def kept(passages):
    """The passages' tokens, as the catalogue keeps them, under the ids 1, 2, ..."""
    code = EightBits(passages[0].shape[1])
    packed = {number: code.pack(each) for number, each in enumerate(passages, 1)}
    return code.unpack(packed, list(packed))


def test_cosines_are_those_of_tokens_centred_one_by_one():
    random = np.random.default_rng(7)
    tokens = kept([random.normal(size=(count, 8)).astype(np.float32) for count in (4, 1, 7)])
    offsets, groups = random.normal(size=(2, 8)).astype(np.float32), np.array([1, 0, 1])
    units = unit(5, 2)
    centred = centred_tokens(tokens.vectors, offsets[np.repeat(groups, tokens.lengths)])
    cosines = centred @ units.T
    expected = [each.max(axis=0) for each in np.split(cosines, [4, 5])]
    passages = PassageTokens(tokens, offsets, groups)
    np.testing.assert_allclose(passages.best(units), expected, atol=1e-5)
    np.testing.assert_allclose(passages.best(units, np.array([0, 2])), expected[::2], atol=1e-5)


def test_a_token_that_is_all_language_matches_nothing_and_breaks_nothing():
    offset = np.full((1, 8), 0.5, np.float32)
    tokens = kept([offset])
    found = PassageTokens(tokens, tokens.vectors, np.array([0])).best(unit(3, 1))
    assert np.isfinite(found).all()


def test_scores_are_those_of_a_plain_reckoning():
    question, background = unit(3, 1), unit(5, 2)
    weights = np.array([1.0, 2.0, 0.5], np.float32)
    tokens = kept([unit(4, 3), unit(1, 4), unit(7, 5)])
    passages = PassageTokens(tokens, np.zeros((1, 8), np.float32), np.zeros(3, np.intp))
    memory = {2: 0.25}  # what is remembered is not computed again
    found = late_interaction_scores(question, weights, passages, tokens.ids, background, memory)
    vectors = centred_tokens(tokens.vectors, np.zeros(8, np.float32))
    for row, passage in enumerate(np.split(vectors, [4, 5])):
        best = [max(float(token @ each) for each in passage) for token in question]
        matched = sum(w * b for w, b in zip(weights.tolist(), best, strict=True)) / 3.5
        usual = sum(max(float(b @ each) for each in passage) for b in background) / 5
        if row == 1:
            usual = 0.25
        assert memory[row + 1] == pytest.approx(usual, abs=1e-6)
        expected = matched - 0.5 * usual - 0.005 * np.log(len(passage))
        assert found[row] == pytest.approx(expected, abs=1e-6)


def test_a_question_without_weight_has_no_say():
    tokens = kept([unit(2, 2)])
    passages = PassageTokens(tokens, np.zeros((1, 8), np.float32), np.array([0]))
    found = late_interaction_scores(
        unit(2, 1), np.zeros(2, np.float32), passages, tokens.ids, unit(2, 3) * 0, {}
    )
    assert found.tolist() == pytest.approx([-0.005 * np.log(2)])


def test_the_shipped_basis_is_orthonormal(bundled_e5):
    space = load_token_space(bundled_e5.contract.weights)
    assert space.basis.shape == (128, 384)
    np.testing.assert_allclose(space.basis @ space.basis.T, np.eye(128), atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(space.background, axis=1), 1, atol=2e-3)


def test_the_tokens_of_the_answer_match_best(bundled_e5):
    space = load_token_space(bundled_e5.contract.weights)
    texts = [
        "The pump was installed in the cellar in spring, beside the tank.",
        "Die Dichtung der Pumpe wird jedes Jahr im Herbst ersetzt.",
        "Le pain est cuit tous les matins à six heures.",
    ]
    asked, [question] = bundled_e5.embed_query_tokens(
        ["When is the seal of the pump replaced?"], space.basis
    )
    vectors, passages = bundled_e5.embed_passage_tokens(texts, space.basis)
    middle = space.basis @ vectors.mean(axis=0)
    tokens = kept([each.vectors for each in passages])
    found = late_interaction_scores(
        centred_tokens(question.vectors, middle),
        question.weights,
        PassageTokens(tokens, middle[np.newaxis], np.zeros(3, np.intp)),
        tokens.ids,
        space.background,
        {},
    )
    assert found.argmax() == 1
    assert found.argmin() == 2
    assert asked.shape == (1, 384)


def test_tokens_come_from_the_same_run_as_the_vectors(bundled_e5):
    texts = ["Wie tief ist der See?", "kurz", "The lake is 54 metres deep at its deepest place."]
    whole = np.eye(384, dtype=np.float32)
    vectors, tokens = bundled_e5.embed_passage_tokens(texts, whole)
    np.testing.assert_allclose(vectors, bundled_e5.embed_passages(texts), atol=1e-6)
    for each, count in zip(tokens, bundled_e5.count_tokens(texts), strict=True):
        assert len(each.vectors) == len(each.weights) == count  # its own, without the prompt
        assert (each.weights > 0).all()
    # A text's vector is the mean over its tokens, the prompt's and the special ones.
    means = np.array([each.vectors.mean(axis=0) for each in tokens])
    near = np.sum(means * vectors, axis=1)
    assert near.min() > 0.9
    _, [query] = bundled_e5.embed_query_tokens(["Wie tief?"], whole)
    assert len(query.vectors) == len(query.weights) == bundled_e5.count_tokens(["Wie tief?"])[0]
    assert (query.weights > 0).all()


class CommonTokens(HashEmbedder):
    """Tokens in a space of their own, which all lie in nearly one direction."""

    own_token_space = TokenSpace.of_head(24)

    def embed_passage_tokens(self, texts, basis):
        tokens = []
        for text in texts:
            words = HashEmbedder(24)._embed(text.split()) + 1.5 * np.eye(24, dtype=np.float32)[0]
            vectors = centred_tokens(words, np.zeros(24, np.float32)) @ basis.T
            tokens.append(TokenVectors(vectors, np.ones(len(vectors), np.float32)))
        return self._embed(texts), tokens

    embed_query_tokens = embed_passage_tokens


def test_what_tokens_of_their_own_space_have_in_common_is_no_match(tmp_path, quick_components):
    own = replace(
        quick_components, embedder=CommonTokens(), token_space=CommonTokens.own_token_space
    )
    texts = [f"pump{n} valve{n} filter{n} meter{n} house{n}" for n in range(60)]
    with KnowledgeBase.open(tmp_path / "kb", components=own) as kb:
        kb.add([Document(id=str(n), text=text) for n, text in enumerate(texts)])
        right, *wrong = kb.search("filter7 house7 pump7", k=20)
    assert right.chunk.text == texts[7]
    assert right.parts.late is not None
    assert right.parts.late > 0.2
    assert max(hit.parts.late for hit in wrong) < 0.1
