"""BGE-M3 and models laid out as it is: one vector a text, weights and vectors of its tokens.

All three come from one run of the encoder (Chen et al. 2024, "BGE M3-Embedding: Multi-Linguality,
Multi-Functionality, Multi-Granularity Text Embeddings Through Self-Knowledge Distillation",
arXiv:2402.03216, section 3.1), as the library FlagEmbedding computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TokenSpace
from rag_engine.connectors.embedders.bge_m3_heads import HEAD_FILES, load_heads
from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.embedding.batching import token_batches
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.ports import EmbeddedKinds, Float32Array, SparseVector, TokenVectors
from rag_engine.settings import Precision

__all__ = ["BgeM3Embedder", "TextRun", "sparse_vector"]


def sparse_vector(
    tokens: npt.NDArray[np.int64], weights: Float32Array, special: Sequence[int]
) -> SparseVector:
    """Gather what the tokens of a text weigh: the greatest weight of each that is not ``special``.

    ``tokens`` ``(n,)`` are ids in the order of the text, ``weights`` ``(n,)`` are 0 or more; a
    token that weighs nothing is left out.

    >>> found = sparse_vector(np.array([0, 7, 5, 7, 6]), np.float32([9, 1, 2, 3, 0]), special=[0])
    >>> found.tokens.tolist(), found.weights.tolist()
    ([5, 7], [2.0, 3.0])
    """
    counted = (weights > 0) & ~np.isin(tokens, special)
    ids, places = np.unique(tokens[counted], return_inverse=True)
    greatest = np.zeros(len(ids), dtype=np.float32)
    np.maximum.at(greatest, places, weights[counted])
    return SparseVector(ids.astype(np.int64), greatest)


@dataclass(frozen=True, slots=True)
class TextRun:
    """A text after the encoder: its ``vector`` ``(dimension,)`` and what its tokens became.

    ``ids`` is ``(n,)`` int64, ``states`` a torch tensor ``(n, width)`` float32: the prompt's tokens
    left out, special ones not. Those from ``first`` on have a vector of their own.
    """

    vector: Float32Array
    ids: npt.NDArray[np.int64]
    states: Any
    first: int


class BgeM3Embedder(SentenceTransformerEmbedder):
    """A ``SparseEmbedder`` and ``TokenEmbedder`` around an encoder with BGE-M3's two heads.

    The folder is one of sentence-transformers with ``sparse_linear.pt`` and ``colbert_linear.pt``
    (see ``bge_m3_heads``). Pooling and prompts are those of the folder: BGE-M3 takes the first
    token's state and needs no prompts. Weights of the encoder may be ``pytorch_model.bin``, as
    published; no file is read in a way that could run code. Of a text ``max_tokens`` are read,
    8,192 of BGE-M3.

    A token weighs ``relu(linear(state))``, the greatest of its occurrences; special tokens and the
    prompt's weigh nothing. A token's vector is ``linear(state)`` of unit length, of all tokens but
    the first and the prompt's; they all weigh 1, so that late interaction is the mean, over the
    question's tokens, of the greatest cosine.

    Other arguments and errors are those of ``SentenceTransformerEmbedder``.
    """

    pickled = ("pytorch_model.bin", *HEAD_FILES)

    def __init__(
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        threads: int = 0,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
    ) -> None:
        super().__init__(
            model=model,
            revision=revision,
            device=device,
            precision=precision,
            threads=threads,
            query_prompt=query_prompt,
            passage_prompt=passage_prompt,
        )
        self._heads = load_heads(
            self._folder,
            width=int(self._model.transformers_model.config.hidden_size),
            device=self._device,
        )
        self.special_tokens: list[int] = sorted(self._model.tokenizer.all_special_ids)

    @property
    def own_token_space(self) -> TokenSpace:
        """Where vectors of tokens lie: in a space of their own, of which nothing is left out."""
        return TokenSpace.of_head(self._heads.token_width)

    @property
    def tokens_refused(self) -> str:
        """Why nothing is fitted to its tokens: a trained head gives them vectors."""
        return "a head that was trained for it gives tokens a space of their own"

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether token vectors can be had in these directions."""
        return bool(basis.shape[1] == self._heads.token_width)

    def embed_query_kinds(
        self, texts: Sequence[str], basis: Float32Array | None = None
    ) -> EmbeddedKinds:
        """Embed questions: their vectors, the weights of their tokens, and their tokens' vectors.

        ``basis`` ``(width, n)`` has orthonormal rows, as wide as a token's vector; None: there are
        none of tokens.

        Raises:
            InvalidInput: one text in place of a list.
            InvalidVectors: the model computed NaN or zeros.
        """
        return self._kinds(self._contract.query_prompt, texts, basis)

    def embed_passage_kinds(
        self, texts: Sequence[str], basis: Float32Array | None = None
    ) -> EmbeddedKinds:
        """Embed passages as ``embed_query_kinds`` does questions; the errors are the same."""
        return self._kinds(self._contract.passage_prompt, texts, basis)

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed questions, with the vectors of their tokens; ``basis`` and errors as above."""
        kinds = self.embed_query_kinds(texts, basis)
        return kinds.vectors, kinds.tokens or []

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Embed passages, with the vectors of their tokens; ``basis`` and errors as above."""
        kinds = self.embed_passage_kinds(texts, basis)
        return kinds.vectors, kinds.tokens or []

    def _kinds(
        self, prompt: str, texts: Sequence[str], basis: Float32Array | None
    ) -> EmbeddedKinds:
        texts = self._beginnings(texts)
        lengths = self._lengths([prompt + text for text in texts], add_special_tokens=True)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        nothing = SparseVector(np.empty(0, np.int64), np.empty(0, np.float32))
        sparse = [nothing] * len(texts)
        tokens: list[TokenVectors] | None = None
        if basis is not None:
            none = TokenVectors(np.empty((0, len(basis)), np.float32), np.empty(0, np.float32))
            tokens = [none] * len(texts)
        reach = [min(length, self.max_tokens) for length in lengths]
        for batch in token_batches(reach, budget=self._batch_tokens):
            for row, run in zip(
                batch.rows, self.runs(prompt, [texts[row] for row in batch.rows]), strict=True
            ):
                vectors[row] = run.vector
                weights = self._heads.token_weights(run.states).cpu().numpy()
                sparse[row] = sparse_vector(run.ids, weights, self.special_tokens)
                if basis is not None and tokens is not None:
                    multi = self._heads.token_vectors(run.states[run.first :]).cpu().numpy()
                    tokens[row] = TokenVectors(
                        np.ascontiguousarray(multi @ basis.T), np.ones(len(multi), np.float32)
                    )
        return EmbeddedKinds(
            checked_vectors(vectors, rows=len(texts), dimension=self.dimension), sparse, tokens
        )

    def runs(self, prompt: str, texts: Sequence[str]) -> list[TextRun]:
        """Run the encoder over some texts, together, and return what each token became."""
        import torch

        kind = torch.device(self._device).type
        precision = torch.autocast(kind, dtype=torch.bfloat16) if self._bf16 else nullcontext()
        with self._lock, torch.inference_mode():
            table = self._model.tokenizer(
                [prompt + text for text in texts],
                padding=True,
                truncation=True,
                max_length=self.max_tokens,
                return_offsets_mapping=True,
                return_tensors="pt",
            )
            names = ("input_ids", "attention_mask")
            with precision:
                out = self._model({name: table[name].to(self._device) for name in names})
            ends = table["offset_mapping"][..., 1]
            asked = (ends > 0) & (ends <= len(prompt.rstrip()))
            own = table["attention_mask"].bool() & ~asked
            runs = []
            for row, kept in enumerate(own):
                ids = table["input_ids"][row][kept]
                states = out["token_embeddings"][row][kept.to(self._device)].float()
                vector = out["sentence_embedding"][row].float().cpu().numpy()
                # The first token is the encoder's own, whose state stands for the whole text.
                runs.append(TextRun(vector, ids.numpy(), states, first=int(len(ids) > 1)))
        return runs
