"""The parts that a knowledge base works with, put together outside of the engine.

The engine never imports a connector. An application hands its parts over as ``Components``, or
names a function that builds them under the entry point group ``rag_engine.wiring``; this package
itself does so for its own connectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points

from rag_engine.embedding.token_space import TokenSpace
from rag_engine.errors import SettingsError
from rag_engine.fairness.prior import LanguagePrior
from rag_engine.ports import (
    DenseIndexFactory,
    Embedder,
    Generator,
    LanguageDetector,
    LexicalIndexFactory,
    Reranker,
)
from rag_engine.settings import Settings

__all__ = ["ENTRY_POINT_GROUP", "Components", "default_components"]

ENTRY_POINT_GROUP = "rag_engine.wiring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """One part for each port; ``reranker``, ``prior`` and ``token_space`` may be missing."""

    embedder: Embedder
    detector: LanguageDetector
    dense: DenseIndexFactory
    lexical: LexicalIndexFactory
    generator: Generator
    reranker: Reranker | None = None
    prior: LanguagePrior | None = None
    token_space: TokenSpace | None = None
    """Where token vectors are compared; None: none are kept, and there is no late interaction."""


def default_components(settings: Settings, *, embedder: Embedder | None = None) -> Components:
    """Build the parts that the settings name, by the installed wiring.

    ``embedder`` takes the place of the one that they name; the others are built to suit it.

    Raises:
        SettingsError: no wiring is installed.
        MissingExtra: the settings name a part whose package is not installed.
    """
    found = entry_points(group=ENTRY_POINT_GROUP, name="default")
    if not found:
        raise SettingsError(
            f"no entry point 'default' in the group {ENTRY_POINT_GROUP!r}: install the package "
            "(pip install 'rag-engine[cpu]'), or pass components= yourself"
        )
    build: Callable[..., Components] = next(iter(found)).load()
    return build(settings) if embedder is None else build(settings, embedder=embedder)
