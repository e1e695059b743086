"""With the cache and without it: the same bits, and nothing embedded twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag_engine.calibration.token_space import load_token_space
from rag_engine.errors import InvalidInput, InvalidVectors, StoreCorrupt
from rag_engine.evaluation import cached_embedder as module
from rag_engine.evaluation.cached_embedder import Counts, cached_embedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.pipelines.demo import sample_questions
from rag_engine.ports import Embedder, TokenEmbedder, TokenVectors
from rag_engine.store.token_vectors import EightBits
from tests.doubles import HashEmbedder

PROBES = list(module._PROBES)


class Noting(HashEmbedder):
    """Notes the texts of every call, and can be another model or compute otherwise."""

    def __init__(self, *, weights: str = "one", turned: float = 0.0) -> None:
        super().__init__(dimension=16)
        self.contract = dataclasses.replace(self.contract, weights=weights)
        self._turned = turned
        self.calls: list[list[str]] = []

    def _noted(self, side: str, texts: Sequence[str]) -> np.ndarray:
        if list(texts) != PROBES:
            self.calls.append(list(texts))
        vectors = super()._embed([side + text for text in texts])
        vectors[:, 0] += self._turned
        return vectors

    def embed_queries(self, texts):
        return self._noted("q", texts)

    def embed_passages(self, texts):
        return self._noted("p", texts)


class NotingTokens(Noting):
    """Tokens are the text's characters."""

    def embed_query_tokens(self, texts, basis):
        return self.embed_queries(texts), [self._tokens(text, basis) for text in texts]

    def embed_passage_tokens(self, texts, basis):
        return self.embed_passages(texts), [self._tokens(text, basis) for text in texts]

    def _tokens(self, text: str, basis) -> TokenVectors:
        vectors = self._embed([f"{text} {place}" for place in range(len(text))])
        return TokenVectors(
            np.ascontiguousarray(vectors @ basis.T), np.arange(len(text), dtype=np.float32)
        )


BASIS = np.ascontiguousarray(np.linalg.qr(np.eye(16) + 0.1)[0][:6], dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path):
    with VectorCache(tmp_path) as opened:
        yield opened


def equal_tokens(found: list[TokenVectors], expected: list[TokenVectors]) -> bool:
    return all(
        np.array_equal(one.vectors, other.vectors) and np.array_equal(one.weights, other.weights)
        for one, other in zip(found, expected, strict=True)
    )


def test_only_what_is_new_is_embedded(cache):
    inner = Noting()
    expected = Noting().embed_passages(["a", "b", "c"])
    first = cached_embedder(inner, cache)
    np.testing.assert_array_equal(first.embed_passages(["a", "b"]), expected[:2])
    again = cached_embedder(inner, cache)  # the next run
    np.testing.assert_array_equal(
        again.embed_passages(["c", "a", "b", "c"]), expected[[2, 0, 1, 2]]
    )
    assert inner.calls == [["a", "b"], ["c"]]
    assert again.counts["passage"] == Counts(known=2, embedded=1)
    assert again.counts["query"] == Counts()
    again.embed_passages(["a", "c"])
    assert again.counts["passage"].all == 3  # a text that is asked for again counts once


def test_it_is_the_embedder_in_everything_else(cache):
    inner = Noting()
    remembering = cached_embedder(inner, cache)
    assert isinstance(remembering, Embedder)
    assert not isinstance(remembering, TokenEmbedder)
    assert isinstance(cached_embedder(NotingTokens(), cache), TokenEmbedder)
    assert remembering.contract is inner.contract
    assert (remembering.dimension, remembering.max_tokens) == (16, 512)
    assert remembering.count_tokens(["abcd" * 9]) == [10]
    assert remembering.embed_queries([]).shape == (0, 16)
    assert inner.calls == []


def test_questions_and_passages_are_apart(cache):
    inner = Noting()
    remembering = cached_embedder(inner, cache)
    question, passage = remembering.embed_queries(["a"]), remembering.embed_passages(["a"])
    assert not np.array_equal(question, passage)
    np.testing.assert_array_equal(question, Noting().embed_queries(["a"]))
    assert len(inner.calls) == 2


@pytest.mark.parametrize(
    ("other", "shared"), [({"weights": "two"}, False), ({"turned": 1e-6}, False)]
)
def test_other_weights_and_other_arithmetic_are_another_embedder(cache, other, shared):
    cached_embedder(Noting(), cache).embed_queries(["a"])
    inner = Noting(**other)
    found = cached_embedder(inner, cache).embed_queries(["a"])
    assert inner.calls == [["a"]]
    np.testing.assert_array_equal(found, Noting(**other).embed_queries(["a"]))


def test_the_last_bits_of_a_server_do_not_matter(cache):
    kept = cached_embedder(Noting(), cache, is_remote=True).embed_queries(["a"])
    inner = Noting(turned=1e-6)
    np.testing.assert_array_equal(
        cached_embedder(inner, cache, is_remote=True).embed_queries(["a"]), kept
    )
    assert inner.calls == []


def test_a_text_and_its_tokens_are_embedded_together_whichever_comes_first(cache):
    inner = NotingTokens()
    remembering = cached_embedder(inner, cache, basis=BASIS)
    plain = remembering.embed_queries(["ab", "c"])
    vectors, tokens = remembering.embed_query_tokens(["c", "ab"], BASIS)
    assert inner.calls == [["ab", "c"]]
    np.testing.assert_array_equal(vectors, plain[::-1])
    assert equal_tokens(tokens, NotingTokens().embed_query_tokens(["c", "ab"], BASIS)[1])
    remembering.embed_query_tokens(["c"], np.ascontiguousarray(BASIS[::-1]))
    assert inner.calls[1:] == [["c"]]  # tokens in other directions are others


def test_tokens_that_come_after_vectors_alone_leave_the_vectors(cache):
    plain = cached_embedder(NotingTokens(), cache).embed_passages(["ab"])
    inner = NotingTokens()
    remembering = cached_embedder(inner, cache)
    vectors, _ = remembering.embed_passage_tokens(["ab"], BASIS)
    np.testing.assert_array_equal(vectors, plain)
    assert inner.calls == [["ab"]]
    remembering.embed_passage_tokens(["ab"], BASIS)
    assert inner.calls == [["ab"]]


def test_an_index_keeps_the_same_of_a_passages_tokens(cache):
    texts = ["one", "", "two words"]
    _, expected = NotingTokens().embed_passage_tokens(texts, BASIS)
    for _ in range(2):
        _, found = cached_embedder(NotingTokens(), cache).embed_passage_tokens(texts, BASIS)
        for one, other in zip(found, expected, strict=True):
            code = EightBits(one.vectors.shape[1])
            assert code.pack(one.vectors) == code.pack(other.vectors)
            np.testing.assert_array_equal(one.weights, other.weights)
            assert one.vectors.shape == other.vectors.shape


def test_numbers_that_eight_bits_would_move_are_kept_whole():
    """Scales this small lose bits, so that keeping twice would not be keeping once."""
    tiny = np.random.default_rng(0).normal(scale=3e-4, size=(60, 4)).astype(np.float32)
    packed = EightBits(4).pack(tiny)
    assert EightBits(4).pack(module._unpacked(packed, 4)) != packed
    tokens = TokenVectors(tiny, np.ones(60, np.float32))
    assert equal_tokens([module._read(module._written(tokens, packed=True))], [tokens])


def test_what_can_not_be_used_is_not_kept(cache, monkeypatch):
    inner = Noting()
    remembering = cached_embedder(inner, cache)
    monkeypatch.setattr(inner, "embed_queries", lambda texts: np.full((len(texts), 16), np.nan))
    with pytest.raises(InvalidVectors, match="NaN"):
        remembering.embed_queries(["a"])
    monkeypatch.undo()
    np.testing.assert_array_equal(remembering.embed_queries(["a"]), Noting().embed_queries(["a"]))
    with pytest.raises(InvalidInput, match="got one text 'abc'"):
        remembering.embed_queries("abc")


def test_an_entry_that_is_no_vector(cache):
    remembering = cached_embedder(NotingTokens(), cache)
    cache.keep({remembering._key("query", "a"): b"short"})
    with pytest.raises(StoreCorrupt, match="can not be read; delete the file"):
        remembering.embed_queries(["a"])
    space = module._space_key("query", BASIS)
    cache.keep({remembering._key("query", "b", space): b"short"})
    with pytest.raises(StoreCorrupt, match="can not be read"):
        remembering.embed_query_tokens(["b"], BASIS)


def test_texts_that_no_file_could_hold(cache):
    texts = ["\ud800", "?", ""]
    assert cached_embedder(Noting(), cache, is_remote=True)._key("query", texts[0])
    keys = {cached_embedder(Noting(), cache)._key("query", text) for text in texts}
    assert len(keys) == 3


def test_the_bundled_model_to_the_last_bit(bundled_e5, cache):
    """First from the model, then from the cache: what the model gives without one."""
    texts = list(dict.fromkeys(sample.question for sample in sample_questions()))[:20]
    basis = load_token_space(bundled_e5.contract.weights).basis
    questions, question_tokens = bundled_e5.embed_query_tokens(texts, basis)
    passages, passage_tokens = bundled_e5.embed_passage_tokens(texts, basis)
    for known in (0, 20):
        remembering = cached_embedder(bundled_e5, cache, basis=basis)
        np.testing.assert_array_equal(remembering.embed_queries(texts), questions)
        np.testing.assert_array_equal(remembering.embed_passages(texts), passages)
        vectors, tokens = remembering.embed_query_tokens(texts, basis)
        np.testing.assert_array_equal(vectors, questions)
        assert equal_tokens(tokens, question_tokens)
        vectors, tokens = remembering.embed_passage_tokens(texts, basis)
        np.testing.assert_array_equal(vectors, passages)
        for one, other in zip(tokens, passage_tokens, strict=True):
            code = EightBits(one.vectors.shape[1])
            assert code.pack(one.vectors) == code.pack(other.vectors)
        assert remembering.counts["query"] == Counts(known=known, embedded=20 - known)
        assert remembering.counts["passage"] == Counts(known=known, embedded=20 - known)
