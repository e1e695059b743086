"""What training to retrieve makes small: InfoNCE over vectors of texts, and over their tokens.

The vector of a text is made of its tokens' vectors, so both are trained in the same pass.

Raises:
    MissingExtra: the extra ``train`` is not installed.
    InvalidInput: (from ``RetrievalLoss``) it is not known which tokens are a text's own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rag_engine.connectors.training.dense_losses import cosines
from rag_engine.embedding.prompts import Prompts
from rag_engine.errors import InvalidInput, MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["RetrievalLoss", "best_matches", "token_information"]

_PARTS = 3
_READ = 32
_WIDTH = 128
"""Numbers of a token that the engine keeps."""
_TEMPERATURE = 1 / 30
"""Cosines of tokens lie further apart than those of texts."""


class RetrievalLoss(torch.nn.Module):  # type: ignore[misc]
    """A loss over the vectors of texts, and InfoNCE over what their tokens match beside it.

    ``dense`` is the library's loss over vectors, ``late`` what late interaction weighs beside it.
    A batch is read in parts of like lengths, so that little padding is computed. Tokens are
    compared as the engine compares them (``rag_engine.retrieval.late_interaction``): without
    prompts and special tokens, less what all have in common, in the directions in which the
    model's tokens of ``sample`` texts differ most (in all, without any), a question's by their
    information.
    """

    def __init__(
        self, model: Any, dense: Any, late: float, prompts: Prompts, sample: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.model = model
        self.dense = dense
        self.late = late
        if late:
            _check_tokens(model.tokenizer)
            self.information = token_information(model.tokenizer)
            self._prompts = [
                model.tokenizer(prompt, add_special_tokens=False)["input_ids"]
                for prompt in (prompts.query, prompts.passage)
            ]
            self._basis = self._leading_directions(sample) if sample else None

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch: of questions, positives and negatives, one table each."""
        read = [self._read(column) for column in features]
        loss = self.dense.compute_loss_from_embeddings([vectors for vectors, _ in read], labels)
        if not self.late:
            return loss
        questions = read[0][1]
        matches = best_matches(
            [states for _, states in questions],
            [self._weights(ids) for ids, _ in questions],
            [states for _, column in read[1:] for _, states in column],
            self._basis,
        )
        right = torch.arange(len(questions), device=matches.device)
        late = torch.nn.functional.cross_entropy(matches / _TEMPERATURE, right)
        return loss + self.late * late

    def vectors(self, column: Any) -> Any:
        """Return the vectors ``(n, dimension)`` of a table of texts."""
        return self._read(column)[0]

    def _leading_directions(self, sample: Sequence[str]) -> Any:
        """Return orthonormal rows ``(at most 128, dimension)``: a principal component analysis."""
        tokens = []
        with torch.no_grad():
            for start in range(0, len(sample), _READ):
                table = self.model.tokenizer(
                    list(sample[start : start + _READ]),
                    padding=True,
                    truncation=True,
                    max_length=self.model.max_seq_length,
                    return_tensors="pt",
                ).to(self.model.device)
                tokens += [states for _, states in self._read(table)[1]]
        states = torch.cat(tokens)
        centred = states - states.mean(0)
        return torch.linalg.eigh(centred.T @ centred)[1].T.flip(0)[:_WIDTH].contiguous()

    def _read(self, column: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        """Return the vectors ``(n, dimension)`` of texts, and the ids and vectors of their tokens.

        Those of a text have a mean of unit length.
        """
        mask = column["attention_mask"]
        lengths = mask.sum(1)
        padded_right = self.model.tokenizer.padding_side == "right"
        vectors: list[Any] = [None] * len(mask)
        tokens: list[Any] = [None] * len(mask)
        for part in lengths.argsort(stable=True).chunk(_PARTS):
            longest = int(lengths[part].max())
            columns = slice(None, longest) if padded_right else slice(-longest, None)
            inputs = {
                name: tensor[part, columns] if torch.is_tensor(tensor) else tensor
                for name, tensor in column.items()
            }
            output = self.model(dict(inputs))
            for place, row in enumerate(part.tolist()):
                vectors[row] = output["sentence_embedding"][place]
                if self.late:
                    own = inputs["attention_mask"][place].bool()
                    ids, states = inputs["input_ids"][place][own], output["token_embeddings"][place]
                    tokens[row] = self._own(ids, states[own].float())
        return torch.stack(vectors), tokens

    def _own(self, ids: Any, states: Any) -> tuple[Any, Any]:
        """Leave out the prompt and the special tokens around a text."""
        start = min(1 + self._prompt_length(ids[1:].tolist()), len(ids) - 1)
        between = slice(start, max(start + 1, len(ids) - 1))
        return ids[between], (states / states.mean(0).norm())[between]

    def _prompt_length(self, ids: Sequence[int]) -> int:
        return max((len(p) for p in self._prompts if ids[: len(p)] == p), default=0)

    def _weights(self, ids: Any) -> Any:
        return self.information.to(ids.device)[ids]


def _check_tokens(tokenizer: Any) -> None:
    """Refuse a tokenizer of which it is not known where a text begins and ends."""
    ids = tokenizer("a")["input_ids"]
    around = len(ids) > 2 and {ids[0], ids[-1]} <= set(tokenizer.all_special_ids)
    if not around or not hasattr(tokenizer, "backend_tokenizer"):
        raise InvalidInput(
            "late needs a fast tokenizer that puts one special token before a text and one behind, "
            f"got {type(tokenizer).__name__}; leave late out"
        )


def best_matches(
    questions: Sequence[Any], weights: Sequence[Any], passages: Sequence[Any], basis: Any = None
) -> Any:
    """Return the mean best cosine of each question's tokens in each passage, ``(n, m)``.

    ``questions`` and ``passages`` hold tensors ``(tokens, dimension)``, from which the mean of
    their side is taken off; ``weights`` ``(tokens,)`` those of the questions' tokens. They are
    compared along the rows of ``basis`` ``(width, dimension)``, without one in all directions.

    >>> one, two = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 2.0], [1.0, 0.0]])
    >>> matches = best_matches([one], [torch.ones(2)], [two[:1], two, two[1:]])
    >>> [round(match, 3) for match in matches[0].tolist()]
    [0.0, 0.949, 0.0]
    """
    of_questions, of_passages = torch.cat(list(questions)), torch.cat(list(passages))
    with torch.autocast(of_questions.device.type, enabled=False):
        centred = [side - side.detach().mean(0) for side in (of_questions, of_passages)]
        if basis is not None:
            centred = [side @ basis.T for side in centred]
    matches = cosines(*centred)
    best, start = [], 0
    with torch.no_grad():
        for passage in passages:
            best.append(matches[:, start : start + len(passage)].argmax(1) + start)
            start += len(passage)
    matched = matches.gather(1, torch.stack(best, dim=1))
    shares = torch.cat([own / own.sum().clamp_min(1e-6) for own in weights])
    lengths = torch.tensor([len(tokens) for tokens in questions], device=matched.device)
    rows = torch.repeat_interleave(torch.arange(len(questions), device=matched.device), lengths)
    nothing = torch.zeros(len(questions), len(passages), device=matched.device)
    return nothing.index_add(0, rows, matched * shares[:, None])


def token_information(tokenizer: Any) -> Any:
    """Return ``-log p`` of every token, ``(vocabulary,)``, where the tokenizer knows; else ones.

    A unigram tokenizer (Kudo 2018, "Subword Regularization", section 3.2) does. Special tokens
    say nothing.
    """
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    information = torch.ones(len(tokenizer))
    if model.get("type") == "Unigram":
        scores = torch.tensor([score for _, score in model["vocab"]])
        information[: len(scores)] = -scores
    information[tokenizer.all_special_ids] = 0
    return information
