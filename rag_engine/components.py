"""The parts that a knowledge base works with, put together outside of the engine.

The engine knows ports, not connectors. An application hands its parts over as ``Components``; who
hands none over gets those that the settings name, from ``rag_engine.connectors.wiring``, which is
imported then and here alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.errors import SettingsError
from rag_engine.location import ServerAddress
from rag_engine.ports import (
    DenseIndexFactory,
    Embedder,
    Generator,
    ImageEmbedder,
    LanguageDetector,
    LexicalIndexFactory,
    Loader,
    ReadBeside,
    Reranker,
)
from rag_engine.settings import Settings
from rag_engine.store.place import Place

__all__ = [
    "Components",
    "check_generator",
    "default_components",
    "default_detector",
    "default_embedder",
    "default_loaders",
    "default_server",
    "wait_for_embedder",
]

_FOR_WRITERS = (
    "answering.system_prompt",
    "answering.prompt",
    "answering.rewriting_system_prompt",
    "answering.rewriting_prompt",
    "retrieval.translate",
)
"""Settings of what only a generator does that writes."""


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
    sparse: bool = False
    """Whether it is kept and compared what tokens weigh, which a ``SparseEmbedder`` tells."""
    images: ImageEmbedder | None = None
    """What embeds pictures; None: they are not looked at."""
    loaders: tuple[Loader, ...] | None = None
    """What reads files; None: ``default_loaders``, once a file is to be read."""


def default_components(
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    detector: LanguageDetector | None = None,
    reranker: Reranker | None = None,
    generator: Generator | None = None,
) -> Components:
    """Build the parts that the settings name, from this package's own connectors.

    A part that is given takes the place of the one that they name; the others are built to suit
    the ``embedder``.

    Raises:
        MissingExtra: the settings name a part whose package is not installed.
        SettingsError: they name a part of one's own that can not be had.
    """
    from rag_engine.connectors.wiring import build_components

    return build_components(
        settings, embedder=embedder, detector=detector, reranker=reranker, generator=generator
    )


def default_embedder(settings: Settings) -> Embedder:
    """Build the embedder that the settings name, and nothing else.

    Raises:
        MissingExtra: its package is not installed.
        SettingsError: it is a part of one's own that can not be had.
    """
    from rag_engine.connectors.wiring import build_embedder

    return build_embedder(settings.embedder)


def default_detector() -> LanguageDetector:
    """Build the detector that a knowledge base is given by default."""
    from rag_engine.connectors.detectors.several import SeveralModelsDetector

    return SeveralModelsDetector()


def default_loaders(settings: Settings) -> tuple[Loader, ...]:
    """Build the loaders that the settings name: one for every format that is known."""
    from rag_engine.connectors.wiring import build_loaders

    return build_loaders(settings.loaders, settings.ocr, settings.images)


def default_server(address: ServerAddress) -> Place:
    """Return what opens the knowledge base on a server.

    Raises:
        MissingExtra: the server's client is not installed.
        InvalidInput: the address can not be used.
    """
    from rag_engine.connectors.postgres.place import PostgresPlace

    return PostgresPlace(address)


def wait_for_embedder(components: Components) -> None:
    """Wait for an embedder that is still read beside (``ReadBeside``), if this one is.

    Raises:
        ModelError: it can not be read.
    """
    if isinstance(components.embedder, ReadBeside) and callable(components.embedder.ready):
        components.embedder.ready()


def check_generator(settings: Settings, generator: Generator) -> None:
    """Refuse what is asked of a generator that only quotes.

    Raises:
        SettingsError: a prompt of one's own, or translations.
    """
    for path in _FOR_WRITERS if generator.quotes else ():
        stage, name = path.split(".")
        value = getattr(getattr(settings, stage), name)
        if value:
            raise SettingsError(
                f"{path} = {value!r:.80} has no effect: {generator.name!r} only quotes; set a "
                "generator that writes, such as generator.kind = 'openai-compatible'"
            )
