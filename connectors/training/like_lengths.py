"""Reading a batch in parts of like lengths, so that little padding is computed.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from typing import Any

from rag_engine.errors import MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["InParts"]

_PARTS = 3
"""With more, what is multiplied becomes too small to be quick."""


class InParts(torch.nn.Module):  # type: ignore[misc]
    """A loss over the vectors of texts, each table of a batch read in parts of like lengths.

    ``loss`` is one of sentence-transformers' that has ``compute_loss_from_embeddings``; the value
    is the same.
    """

    def __init__(self, model: Any, loss: Any) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch: of questions, positives and negatives, one table each."""
        vectors = [self._read(each) for each in features]
        return self.loss.compute_loss_from_embeddings(vectors, labels)

    def _read(self, table: Any) -> Any:
        """Return the vectors of the texts of a table, ``(n, dimension)``."""
        lengths = table["attention_mask"].sum(1)
        padded_right = self.model.tokenizer.padding_side == "right"
        order = lengths.argsort(stable=True)
        vectors = []
        for part in order.chunk(_PARTS):
            longest = int(lengths[part].max())
            kept = slice(None, longest) if padded_right else slice(-longest, None)
            asked = {
                name: each[part, kept] if torch.is_tensor(each) else each
                for name, each in table.items()
            }
            vectors.append(self.model(asked)["sentence_embedding"])
        return torch.cat(vectors)[order.argsort()]
