"""From names in the settings to connectors: the only place that knows both."""

from __future__ import annotations

from rag_engine.calibration.prior import load_prior
from rag_engine.calibration.token_space import TokenSpace, load_token_space
from rag_engine.components import Components
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import SettingsError
from rag_engine.ports import (
    DenseIndexFactory,
    Embedder,
    Generator,
    LanguageDetector,
    LexicalIndexFactory,
    Loader,
    Reranker,
    TokenEmbedder,
)
from rag_engine.settings import (
    DenseSettings,
    EmbedderSettings,
    GeneratorSettings,
    LexicalSettings,
    LoaderSettings,
    MilvusSettings,
    RerankerSettings,
    Settings,
)

__all__ = ["build_components", "build_embedder", "build_loaders"]


def build_components(
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    detector: LanguageDetector | None = None,
    reranker: Reranker | None = None,
    generator: Generator | None = None,
) -> Components:
    """Build every part that the settings name, but for those that are given.

    Raises:
        MissingExtra: a part's package is not installed.
        SettingsError: a part needs a setting that is empty.
    """
    if embedder is None:
        embedder = build_embedder(settings.embedder)
    return Components(
        embedder=embedder,
        detector=FastTextDetector() if detector is None else detector,
        dense=_dense(settings.dense, settings.milvus),
        lexical=_lexical(settings.lexical, settings.milvus),
        generator=_generator(settings.generator, embedder) if generator is None else generator,
        reranker=_reranker(settings.reranker) if reranker is None else reranker,
        prior=load_prior(embedder.contract.weights),
        token_space=_token_space(settings.embedder, embedder),
    )


def build_loaders(settings: LoaderSettings) -> tuple[Loader, ...]:
    """Build the loaders for files."""
    return default_loaders(
        text_columns=settings.text_columns,
        title_column=settings.title_column or None,
        id_column=settings.id_column or None,
        metadata_columns=settings.metadata_columns,
        max_file_mb=settings.max_file_mb,
        timeout_s=settings.timeout_s,
    )


def build_embedder(settings: EmbedderSettings) -> Embedder:
    """Build the embedder that the settings name."""
    if settings.kind in {"bundled", "exported"} and settings.device not in {"auto", "cpu"}:
        raise SettingsError(
            f"embedder.kind = {settings.kind!r} computes on the CPU, got device = "
            f"{settings.device!r}; on a GPU use kind = 'sentence-transformer' with a model "
            "(`rag-engine export bundled DIR --to sentence-transformers` writes the bundled one)"
        )
    if settings.kind == "bundled":
        from rag_engine.connectors.embedders.bundled_e5 import BundledE5

        return BundledE5(
            adapter=settings.adapter, precision=settings.precision, threads=settings.threads
        )
    if not settings.model:
        raise SettingsError(f"embedder.kind = {settings.kind!r} needs embedder.model")
    if settings.kind == "exported":
        from rag_engine.connectors.embedders.exported import ExportedEmbedder

        return ExportedEmbedder(
            settings.model,
            precision=settings.precision,
            threads=settings.threads,
            query_prompt=settings.query_prompt,
            passage_prompt=settings.passage_prompt,
        )
    if settings.kind == "sentence-transformer":
        from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

        return SentenceTransformerEmbedder(
            model=settings.model,
            device=settings.device,
            precision=settings.precision,
            query_prompt=settings.query_prompt,
            passage_prompt=settings.passage_prompt,
            threads=settings.threads,
            truncate_dim=settings.truncate_dim,
        )
    if not settings.base_url:
        raise SettingsError("embedder.kind = 'openai-compatible' needs embedder.base_url")
    from rag_engine.connectors.embedders.openai_compatible import OpenAICompatibleEmbedder

    return OpenAICompatibleEmbedder(
        base_url=settings.base_url,
        model=settings.model,
        api_key_env=settings.api_key_env,
        query_prompt=settings.query_prompt,
        passage_prompt=settings.passage_prompt,
    )


def _token_space(settings: EmbedderSettings, embedder: Embedder) -> TokenSpace | None:
    if not settings.token_vectors or not isinstance(embedder, TokenEmbedder):
        return None
    return load_token_space(embedder.contract.weights)


def _dense(settings: DenseSettings, milvus: MilvusSettings) -> DenseIndexFactory:
    from rag_engine.connectors.dense.auto_index import AutoDenseFactory
    from rag_engine.connectors.dense.exact_index import ExactIndexFactory
    from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory, Storage
    from rag_engine.connectors.dense.faiss_ivf import FaissIvfPqFactory

    def hnsw(default: Storage) -> FaissHnswFactory:
        return FaissHnswFactory(
            m=settings.m,
            ef_construction=settings.ef_construction,
            ef_search=settings.ef_search,
            storage=default if settings.storage == "auto" else settings.storage,
        )

    if settings.kind == "milvus":
        from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
        from rag_engine.connectors.milvus.service import MilvusService

        return MilvusIndexFactory(
            service=MilvusService(milvus),
            m=settings.m,
            ef_construction=settings.ef_construction,
            ef_search=settings.ef_search,
        )
    if settings.kind == "exact":
        return ExactIndexFactory()
    if settings.kind == "hnsw":
        return hnsw("float32")
    if settings.kind == "ivf-pq":  # what was just added is too little for lists
        least = max(settings.exact_below, FaissIvfPqFactory.fewest)
        return AutoDenseFactory(
            kind="ivf-pq",
            exact_below=least,
            compact_from=least,
            compact=FaissIvfPqFactory(device=settings.device),
        )
    return AutoDenseFactory(
        exact_below=settings.exact_below,
        compact_from=settings.compact_from,
        graph=hnsw("float32"),
        compact=hnsw("sq8"),
    )


def _lexical(settings: LexicalSettings, milvus: MilvusSettings) -> LexicalIndexFactory:
    if settings.kind == "milvus-bm25":
        from rag_engine.connectors.lexical.milvus_bm25 import MilvusLexicalFactory
        from rag_engine.connectors.milvus.service import MilvusService

        return MilvusLexicalFactory(service=MilvusService(milvus))
    if settings.kind == "rank-bm25":
        from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory

        return RankBm25Factory()
    from rag_engine.connectors.lexical.tantivy_index import TantivyFactory

    return TantivyFactory()


def _reranker(settings: RerankerSettings) -> Reranker | None:
    if not settings.model:
        return None
    from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(model=settings.model, device=settings.device)


def _generator(settings: GeneratorSettings, embedder: Embedder) -> Generator:
    if settings.kind == "extractive":
        from rag_engine.connectors.generators.extractive import ExtractiveGenerator

        return ExtractiveGenerator(embedder=embedder)
    if not settings.model or not settings.base_url:
        raise SettingsError(
            "generator.kind = 'openai-compatible' needs generator.model and generator.base_url"
        )
    from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator

    return OpenAICompatibleGenerator(
        base_url=settings.base_url,
        model=settings.model,
        api_key_env=settings.api_key_env,
        timeout_s=settings.timeout_s,
        max_tokens=settings.max_tokens,
    )
