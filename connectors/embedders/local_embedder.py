"""What embedders that compute in this process share: contract, prompts, batches, padding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.model_fit import ModelFit
from rag_engine.connectors.embedders.gathered import MOST_TEXTS, Gathered
from rag_engine.embedding.batching import Batch, same_length_batches, token_batches
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.embedding.prompts import instructed
from rag_engine.errors import InvalidInput
from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["LocalEmbedder", "LocalTokenEmbedder", "padded", "readable"]

_LONGEST_TOKEN = 128
"""Characters of a text that are read for each token that counts; the rest can not matter."""


class LocalEmbedder(ABC):
    """An ``Embedder`` whose contract is known when it is opened.

    ``fit`` is what was fitted to its model, if anything: ``model_fit.with_fit`` sets it.
    """

    fit: ModelFit | None = None

    def __init__(self, contract: EmbedderContract) -> None:
        self._contract = contract
        self._questions: Gathered | None = None
        """Where the questions of many threads come together; None: each is computed alone."""

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._contract.dimension

    @property
    def max_tokens(self) -> int:
        """How many tokens of one text the model reads, prompt and special tokens included."""
        return self._contract.max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """What an index must know."""
        return self._contract

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions: ``(n_texts, dimension)`` float32, rows of unit length.

        Raises:
            InvalidInput: one text in place of a list.
            InvalidVectors: the model computed NaN or zeros.
        """
        return self._embed_questions(self._contract.query_prompt, texts)

    def embed_instructed_queries(self, texts: Sequence[str], instruction: str) -> Float32Array:
        """Embed questions as ``embed_queries`` does, with another task than the model's usual one.

        Raises:
            InvalidInput: the model takes no instructions, or this is none.
            InvalidVectors: the model computed NaN or zeros.
        """
        prompt = instructed(self._contract.query_prompt, instruction)
        return self._embed_questions(prompt, texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages: ``(n_texts, dimension)`` float32, rows of unit length.

        Of a text of more than ``max_tokens`` tokens the beginning is read.

        Raises:
            InvalidInput: one text in place of a list.
            InvalidVectors: the model computed NaN or zeros.
        """
        return self._embed(self._contract.passage_prompt, texts)

    def _embed_questions(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        texts = readable(texts)
        if self._questions is None or not 0 < len(texts) <= MOST_TEXTS:
            return self._embed(prompt, texts)
        return np.stack(
            self._questions.results(
                prompt, texts, lambda all_texts: [*self._embed(prompt, all_texts)]
            )
        )

    @abstractmethod
    def _embed(self, prompt: str, texts: Sequence[str]) -> Float32Array:
        """Embed texts, each behind the prompt."""

    def _divided(self, prompt: str) -> Callable[..., list[Batch]]:
        """Return how texts are put into batches: a question's vector depends on nobody else's."""
        return token_batches if prompt == self._contract.passage_prompt else same_length_batches

    def _beginnings(self, texts: Sequence[str]) -> list[str]:
        """Return of each text as much as the model may read, as a tokenizer can take it."""
        longest = self.max_tokens * _LONGEST_TOKEN
        return [text[:longest] for text in readable(texts)]

    def _in_batches(
        self,
        lengths: Sequence[int],
        budget: int,
        compute: Callable[[Batch], Float32Array],
        divided: Callable[..., list[Batch]] = token_batches,
    ) -> Float32Array:
        """Compute vectors of texts of so many tokens, at most ``budget`` tokens at a time."""
        vectors = np.empty((len(lengths), self.dimension), np.float32)
        for batch in divided(lengths, budget=budget):
            vectors[list(batch.rows)] = compute(batch)
        return vectors


class LocalTokenEmbedder(LocalEmbedder):
    """A ``TokenEmbedder`` that computes in this process."""

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions, with the vectors ``(n, width)`` of their own tokens.

        Raises:
            InvalidInput: one text in place of a list; the model gives no token vectors.
            InvalidVectors: the model computed NaN or zeros.
        """
        texts, prompt = readable(texts), self._contract.query_prompt
        if self._questions is None or not 0 < len(texts) <= MOST_TEXTS:
            return self._embed_tokens(prompt, texts, basis)

        def compute(all_texts: list[str]) -> list[tuple[Float32Array, TokenVectors]]:
            return list(zip(*self._embed_tokens(prompt, all_texts, basis), strict=True))

        # Those who ask hold the basis as long as they wait: meanwhile no other has its id.
        vectors, tokens = zip(
            *self._questions.results((prompt, id(basis)), texts, compute), strict=True
        )
        return np.stack(vectors), list(tokens)

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages, with the vectors ``(n, width)`` of their own tokens.

        Raises:
            InvalidInput: one text in place of a list; the model gives no token vectors.
            InvalidVectors: the model computed NaN or zeros.
        """
        return self._embed_tokens(self._contract.passage_prompt, texts, basis)

    @abstractmethod
    def _embed_tokens(
        self, prompt: str, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed texts, each behind the prompt, with their tokens."""


def readable(texts: Sequence[str]) -> list[str]:
    r"""Return the texts as a tokenizer can take them: lone surrogates become ``?``.

    Raises:
        InvalidInput: one text in place of a list.

    >>> readable(["a", "\ud800"])
    ['a', '?']
    """
    if isinstance(texts, str):
        raise InvalidInput(
            f"expected a list of texts, got one text {texts[:40]!r}; put it in a list"
        )
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def padded(
    ids: Sequence[Sequence[int]], batch: Batch, pad: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return a batch's token ids, filled up with ``pad``, and where they are (1) and are not (0).

    >>> padded([[5, 6], [7]], Batch(rows=(0, 1), length=3), pad=9)[0].tolist()
    [[5, 6, 9], [7, 9, 9]]
    """
    rectangle = np.full((len(batch.rows), batch.length), pad, np.int64)
    mask = np.zeros_like(rectangle)
    for place, row in enumerate(batch.rows):
        rectangle[place, : len(ids[row])] = ids[row]
        mask[place, : len(ids[row])] = 1
    return rectangle, mask
