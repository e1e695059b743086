"""Stands for a model that is not here, so that what needs none can be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from rag_engine.calibration.model_fit import ModelFit
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.errors import ModelError, StoreCorrupt
from rag_engine.ports import Float32Array, TokenVectors

__all__ = ["AbsentEmbedder"]

_PREFIX = "embedder."


class _AbsentFit(ModelFit):
    """Stands for the fit of a model that is not here: it has its identity, and no figures."""

    @classmethod
    def of(cls, stored: Mapping[str, object], dimension: int) -> _AbsentFit | None:
        """Return that of an index with this contract, None if it was built without one."""
        if "fit" not in stored:
            return None
        version = str(stored.get("token_space"))
        nothing = np.zeros((1, dimension), np.float32)
        space = TokenSpace(version=version, basis=nothing, background=nothing[:, :1])
        fit = cls({})
        fit.__dict__["identity"] = str(stored["fit"])
        fit.__dict__["prior"] = LanguagePrior((), nothing[:0])
        fit.__dict__["token_space"] = None if version == "none" else space
        return fit


class AbsentEmbedder:
    """Has the contract that an index was built with, and embeds nothing.

    Raises:
        StoreCorrupt: ``stored`` is no contract of an index.
    """

    def __init__(self, stored: Mapping[str, object]) -> None:
        fields: dict[str, Any] = {
            name.removeprefix(_PREFIX): value
            for name, value in stored.items()
            if name.startswith(_PREFIX)
        }
        try:
            self.contract = EmbedderContract(**fields)
        except TypeError as error:
            raise StoreCorrupt(f"the catalogue holds no index contract: {error}") from error
        self.dimension = self.contract.dimension
        self.max_tokens = self.contract.max_tokens
        self.fit = _AbsentFit.of(stored, self.dimension)
        self._has_tokens = stored.get("token_space") not in {None, "none"}

    def serves_basis(self, basis: Float32Array) -> bool:
        """Tell whether the index keeps vectors of tokens."""
        return self._has_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return a token for every four bytes of UTF-8: an estimate."""
        return [-(-len(text.encode("utf-8")) // 4) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Refuse it."""
        self._refuse()

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Refuse it."""
        self._refuse()

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Refuse it."""
        self._refuse()

    def embed_passage_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        """Refuse it."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ModelError(f"the model {self.contract.model!r} is not here; nothing can be embedded")
