"""Vectors of single tokens from a sentence-transformers model, on the scale of its sentence vector.

A model that pools by the mean was trained so that its tokens' vectors, averaged, say what the text
says: each is a part of the sentence vector, and late interaction compares the parts. Over the
length of the mean they are on the scale of unit vectors, and what is subtracted from those (the
place of a language) is the mean of what it is in the tokens.

Under another pooling that does not hold. The vector of a ``[CLS]`` token is no sum of the others,
which nobody trained to mean anything; where a language lies among sentence vectors says nothing of
where it lies among theirs. So such a model gives no token vectors here: one that has a trained head
for them (ColBERT, BGE-M3) needs that head. The same goes for what is not linear behind the mean, as
a dense layer with tanh.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rag_engine.calibration.model_fit import ModelFit
from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["TokenStates", "token_weights", "unigram_information"]


class TokenStates:
    """The token vectors of a loaded ``SentenceTransformer``.

    ``dimension`` is how many leading components of a vector are kept.
    """

    def __init__(self, model: Any, dimension: int) -> None:
        self._model = model
        self._dimension = dimension

    @cached_property
    def refused(self) -> str:
        """Why the model gives no token vectors; empty where it does."""
        kinds = [type(module).__name__ for module in self._model]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return f"its modules are {', '.join(kinds)}, not encoder and pooling alone"
        encoder, pooling = self._model[0], self._model[1]
        mode = pooling.pooling_mode
        if mode not in ("mean", ["mean"], ("mean",)):
            named = mode if isinstance(mode, str) else "+".join(mode)
            return f"it pools by {named!r}, so that its tokens were not trained to mean anything"
        if not getattr(pooling, "include_prompt", True) or getattr(encoder, "do_lower_case", False):
            return "it reads a prompt or capitals in a way of its own"
        if not getattr(self._model.tokenizer, "is_fast", False):
            return "its tokenizer does not tell where a token stands"
        return ""

    @cached_property
    def vocabulary(self) -> int:
        """How many different tokens there are."""
        return len(self._model.tokenizer)

    @cached_property
    def information(self) -> Float32Array | None:
        """What each token weighs by the tokenizer's own unigram model; None: it has none."""
        return unigram_information(
            self._model.tokenizer.backend_tokenizer.to_str(),
            self._model.tokenizer.all_special_ids,
            self.vocabulary,
        )

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, without special ones."""
        if not texts:
            return []
        found: list[list[int]] = self._model.tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False
        )["input_ids"]
        return found

    def scaled(self, states: Any, mask: Any) -> Any:
        """Return tokens' vectors ``(n, length, dimension)`` over the lengths of their means."""
        states = states[:, :, : self._dimension].float()
        counted = mask.unsqueeze(-1).float()
        mean = (states * counted).sum(1) / counted.sum(1)
        return states / mean.norm(dim=1).clamp_min(1e-12)[:, None, None]

    def compute(
        self,
        prompt: str,
        texts: Sequence[str],
        basis: Float32Array,
        weigh: Callable[[Sequence[int]], Float32Array],
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Return the sentence vectors ``(n, dimension)`` of one batch, and their tokens' vectors.

        ``basis`` is ``(width, dimension)``; ``weigh`` tells what tokens weigh, by their ids.
        """
        import torch

        table = self._model.tokenizer(
            [(prompt + text).strip() for text in texts],  # as the library does when it encodes
            padding=True,
            truncation=True,
            max_length=self._model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        # Kept are tokens that end behind the prompt; the first may begin with a blank of it.
        own = (table.pop("special_tokens_mask") == 0) & (table["attention_mask"] == 1)
        own &= table.pop("offset_mapping")[:, :, 1] > len(prompt.lstrip())
        inputs = {name: tensor.to(self._model.device) for name, tensor in table.items()}
        with torch.inference_mode():
            found = self._model(inputs)
            states = self.scaled(found["token_embeddings"], inputs["attention_mask"])
            directions = torch.from_numpy(basis).to(states.device)
            projected = (states @ directions.T).cpu().numpy()
            sentences = found["sentence_embedding"][:, : self._dimension].float().cpu().numpy()
        tokens = []
        for row, kept in enumerate(own.numpy()):
            ids = table["input_ids"][row].numpy()[kept].tolist()
            tokens.append(TokenVectors(projected[row][kept].astype(np.float32), weigh(ids)))
        return sentences, tokens


def unigram_information(
    tokenizer: str, special: Sequence[int], vocabulary: int
) -> Float32Array | None:
    """Return ``-log p`` of every token, ``(vocabulary,)``, from a ``tokenizer.json``'s text.

    None where its model is no unigram model (Kudo 2018, "Subword regularization"): WordPiece and
    BPE keep no probabilities. A special token says nothing; an unknown one as much as the rarest.

    >>> text = '{"model": {"type": "Unigram", "unk_id": 1, "vocab": [["<s>", 0], ["<unk>", 0], '
    >>> unigram_information(text + '["a", -2.5], ["b", -9]]}}', [0, 1], 5).tolist()
    [0.0, 9.0, 2.5, 9.0, 9.0]
    """
    model = json.loads(tokenizer)["model"]
    if model.get("type") != "Unigram":
        return None
    known = np.array([-score for _, score in model["vocab"]], np.float32)
    information = np.full(vocabulary, known.max(), np.float32)
    information[: len(known)] = known[:vocabulary]
    information[list(special)] = 0
    if model.get("unk_id") is not None:
        information[int(model["unk_id"])] = known.max()
    return information


def token_weights(
    ids: Sequence[int], information: Float32Array | None, fit: ModelFit | None
) -> Float32Array:
    """Return what tokens weigh, ``(n,)``: by the tokenizer, else by the fit, else all the same.

    >>> token_weights([2, 0], np.array([3, 4, 5], np.float32), None).tolist()
    [5.0, 3.0]
    >>> token_weights([2, 0], None, None).tolist()
    [1.0, 1.0]
    """
    if information is None and fit is not None:
        information = fit.token_weights
    if information is None:
        return np.ones(len(ids), np.float32)
    weights: Float32Array = information[list(ids)]
    return weights
