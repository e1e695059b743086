"""From the settings of an embedder to the embedder: the part of ``wiring`` that is for models."""

from __future__ import annotations

from rag_engine.calibration.model_fit import ModelFit, token_space_of, with_fit
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.connectors.embedders.fit_file import fit_path
from rag_engine.connectors.plugins import load_plugin
from rag_engine.ports import Embedder, ImageEmbedder, SparseEmbedder
from rag_engine.settings import (
    BgeM3EmbedderSettings,
    BundledEmbedderSettings,
    EmbedderSettings,
    ExportedEmbedderSettings,
    ImagesSettings,
    OpenAICompatibleEmbedderSettings,
    PluginEmbedderSettings,
    SentenceTransformerEmbedderSettings,
)

__all__ = ["build_embedder", "build_image_embedder", "keeps_sparse", "kept_token_space"]


def build_embedder(settings: EmbedderSettings) -> Embedder:
    """Build the embedder that the settings name, with the fit that they name.

    Raises:
        MissingExtra: its package is not installed.
        ModelError: the model or its fit can not be read, or the fit is of another model.
        InvalidInput: an embedder of one's own can not be given a fit.
        SettingsError: a plug-in can not be had.
    """
    embedder = _build_embedder(settings)
    fit = fit_path(settings)
    return embedder if fit is None else with_fit(embedder, ModelFit.load(fit))


def _build_embedder(settings: EmbedderSettings) -> Embedder:
    match settings:
        case BundledEmbedderSettings():
            from rag_engine.connectors.embedders.bundled_e5 import BundledE5

            return BundledE5(
                adapter=settings.adapter,
                precision=settings.precision,
                threads=settings.threads,
                beside=True,
            )
        case ExportedEmbedderSettings():
            from rag_engine.connectors.embedders.exported import ExportedEmbedder

            return ExportedEmbedder(
                settings.model,
                precision=settings.precision,
                threads=settings.threads,
                query_prompt=settings.query_prompt,
                passage_prompt=settings.passage_prompt,
            )
        case SentenceTransformerEmbedderSettings():
            from rag_engine.connectors.embedders.sentence_transformer import (
                SentenceTransformerEmbedder,
            )

            return SentenceTransformerEmbedder(
                model=settings.model,
                device=settings.device,
                precision=settings.precision,
                query_prompt=settings.query_prompt,
                passage_prompt=settings.passage_prompt,
                threads=settings.threads,
                truncate_dim=settings.truncate_dim,
            )
        case BgeM3EmbedderSettings():
            from rag_engine.connectors.embedders.bge_m3 import BgeM3Embedder

            return BgeM3Embedder(
                model=settings.model,
                device=settings.device,
                precision=settings.precision,
                query_prompt=settings.query_prompt,
                passage_prompt=settings.passage_prompt,
                threads=settings.threads,
            )
        case OpenAICompatibleEmbedderSettings():
            from rag_engine.connectors.embedders.openai_compatible import OpenAICompatibleEmbedder

            return OpenAICompatibleEmbedder(
                base_url=settings.base_url,
                model=settings.model,
                api_key_env=settings.api_key_env,
                address_stored=settings.from_store,
                query_prompt=settings.query_prompt,
                passage_prompt=settings.passage_prompt,
                input_types=settings.input_types,
            )
        case PluginEmbedderSettings():
            return load_plugin(settings, Embedder)  # type: ignore[type-abstract]


def kept_token_space(settings: EmbedderSettings, embedder: Embedder) -> TokenSpace | None:
    """Return where tokens are compared; None: the settings keep none, or there are none."""
    match settings:
        case (
            BundledEmbedderSettings(token_vectors=False)
            | BgeM3EmbedderSettings(token_vectors=False)
        ):
            return None
        case _:
            return token_space_of(embedder)


def keeps_sparse(settings: EmbedderSettings, embedder: Embedder) -> bool:
    """Tell whether it is kept what tokens weigh."""
    wanted = not isinstance(settings, BgeM3EmbedderSettings) or settings.sparse_vectors
    return wanted and isinstance(embedder, SparseEmbedder)


def build_image_embedder(settings: ImagesSettings) -> ImageEmbedder | None:
    """Build what embeds pictures, if the settings name a model."""
    if not settings.model:
        return None
    from rag_engine.connectors.embedders.image_model import SentenceTransformerImages

    return SentenceTransformerImages(
        model=settings.model, text_model=settings.text_model, device=settings.device
    )
