"""From names in the settings to connectors: only this and ``embedder_wiring`` know both."""

from __future__ import annotations

from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.components import Components, check_generator
from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.connectors.embedder_wiring import (
    build_embedder,
    build_image_embedder,
    keeps_sparse,
    kept_token_space,
)
from rag_engine.connectors.loaders.ocr.options import OcrOptions
from rag_engine.connectors.plugins import load_plugin
from rag_engine.errors import SettingsError
from rag_engine.ports import (
    DenseIndexFactory,
    Embedder,
    Generator,
    ImageEmbedder,
    LanguageDetector,
    LexicalIndexFactory,
    Loader,
    Reranker,
)
from rag_engine.settings import (
    AutoDenseSettings,
    CrossEncoderRerankerSettings,
    DenseSettings,
    ExactDenseSettings,
    ExtractiveGeneratorSettings,
    GeneratorSettings,
    HnswDenseSettings,
    HttpRerankerSettings,
    ImagesSettings,
    IvfPqDenseSettings,
    LangChainDenseSettings,
    LexicalSettings,
    LlmRerankerSettings,
    LoaderSettings,
    MilvusDenseSettings,
    MilvusSettings,
    NoRerankerSettings,
    OcrSettings,
    OpenAICompatibleGeneratorSettings,
    PluginGeneratorSettings,
    PluginRerankerSettings,
    RerankerSettings,
    Settings,
)

__all__ = [
    "build_components",
    "build_dense",
    "build_embedder",
    "build_generator",
    "build_image_embedder",
    "build_lexical",
    "build_loaders",
    "build_reranker",
]

_DEFAULT_OCR = OcrSettings()
_NO_IMAGES = ImagesSettings()


def build_components(
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    detector: LanguageDetector | None = None,
    reranker: Reranker | None = None,
    generator: Generator | None = None,
    images: ImageEmbedder | None = None,
) -> Components:
    """Build every part that the settings name, but for those that are given.

    Raises:
        MissingExtra: a part's package is not installed.
        SettingsError: a plug-in can not be had; something that a generator which only quotes can
            not do.
    """
    if embedder is None:
        embedder = build_embedder(settings.embedder)
    prior = prior_of(embedder)
    token_space = kept_token_space(settings.embedder, embedder)
    if generator is None:
        generator = build_generator(settings.generator, embedder, prior, token_space)
    check_generator(settings, generator)
    return Components(
        embedder=embedder,
        detector=SeveralModelsDetector() if detector is None else detector,
        dense=build_dense(settings.dense, settings.milvus),
        lexical=build_lexical(settings.lexical, settings.milvus),
        generator=generator,
        reranker=build_reranker(settings.reranker, generator) if reranker is None else reranker,
        prior=prior,
        token_space=token_space,
        sparse=keeps_sparse(settings.embedder, embedder),
        images=build_image_embedder(settings.images) if images is None else images,
    )


def build_loaders(
    settings: LoaderSettings,
    ocr: OcrSettings = _DEFAULT_OCR,
    images: ImagesSettings = _NO_IMAGES,
) -> tuple[Loader, ...]:
    """Build the loaders for files: those of one's own, then one for every format."""
    from rag_engine.connectors.loaders.pictures import PictureRules
    from rag_engine.connectors.loaders.registry import default_loaders

    known = default_loaders(
        text_columns=settings.text_columns,
        title_column=settings.title_column or None,
        id_column=settings.id_column or None,
        metadata_columns=settings.metadata_columns,
        max_file_mb=settings.max_file_mb,
        timeout_s=settings.timeout_s,
        memory_mb=settings.memory_mb,
        ocr=_ocr(ocr),
        ocr_required=ocr.enabled == "always",
        pictures=(
            PictureRules(min_side=images.min_side, most=images.max_per_file)
            if images.model
            else None
        ),
    )
    own = [load_plugin(plugin, Loader) for plugin in settings.extra]  # type: ignore[type-abstract]
    return (*own, *known)


def _ocr(settings: OcrSettings) -> OcrOptions | None:
    if settings.enabled == "never":
        return None
    return OcrOptions(
        every_page=settings.enabled == "always",
        languages=settings.languages,
        dpi=settings.dpi,
        min_confidence=settings.min_confidence,
        page_timeout_s=settings.page_timeout_s,
        file_timeout_s=settings.file_timeout_s,
    )


def build_dense(settings: DenseSettings, milvus: MilvusSettings) -> DenseIndexFactory:
    """Build the factory of the dense index that the settings name."""
    match settings:
        case AutoDenseSettings():
            return _auto(settings)
        case ExactDenseSettings():
            from rag_engine.connectors.dense.exact_index import ExactIndexFactory

            return ExactIndexFactory()
        case HnswDenseSettings():
            from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory

            return FaissHnswFactory(
                m=settings.m,
                ef_construction=settings.ef_construction,
                ef_search=settings.ef_search,
                storage="float32" if settings.storage == "auto" else settings.storage,
            )
        case IvfPqDenseSettings():
            from rag_engine.connectors.dense.auto_index import AutoDenseFactory
            from rag_engine.connectors.dense.faiss_ivf import FaissIvfPqFactory

            return AutoDenseFactory(
                kind="ivf-pq",
                exact_below=settings.exact_below,
                compact_from=settings.exact_below,
                compact=FaissIvfPqFactory(device=settings.device),
            )
        case MilvusDenseSettings():
            from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
            from rag_engine.connectors.milvus.service import MilvusService

            return MilvusIndexFactory(
                service=MilvusService(milvus),
                m=settings.m,
                ef_construction=settings.ef_construction,
                ef_search=settings.ef_search,
            )
        case LangChainDenseSettings():
            from rag_engine.connectors.dense.langchain_index import LangChainIndexFactory
            from rag_engine.connectors.plugins import named_callable

            where = f"dense: store = {settings.store!r}"
            return LangChainIndexFactory(
                make=named_callable(settings.store, where, from_store=settings.from_store),
                store=settings.store,
                options=settings.options,
            )


def _auto(settings: AutoDenseSettings) -> DenseIndexFactory:
    from rag_engine.connectors.dense.auto_index import AutoDenseFactory
    from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory, Storage

    def hnsw(default: Storage) -> FaissHnswFactory:
        return FaissHnswFactory(
            m=settings.m,
            ef_construction=settings.ef_construction,
            ef_search=settings.ef_search,
            storage=default if settings.storage == "auto" else settings.storage,
        )

    return AutoDenseFactory(
        exact_below=settings.exact_below,
        compact_from=settings.compact_from,
        graph=hnsw("float32"),
        compact=hnsw("sq8"),
    )


def build_lexical(settings: LexicalSettings, milvus: MilvusSettings) -> LexicalIndexFactory:
    """Build the factory of the lexical index that the settings name."""
    match settings.kind:
        case "tantivy":
            from rag_engine.connectors.lexical.tantivy_index import TantivyFactory

            return TantivyFactory()
        case "rank-bm25":
            from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory

            return RankBm25Factory()
        case "milvus-bm25":
            from rag_engine.connectors.lexical.milvus_bm25 import MilvusLexicalFactory
            from rag_engine.connectors.milvus.service import MilvusService

            return MilvusLexicalFactory(service=MilvusService(milvus))


def build_reranker(settings: RerankerSettings, generator: Generator) -> Reranker | None:
    """Build the reranker that the settings name, if any; ``llm`` asks the generator.

    Raises:
        SettingsError: ``llm`` with a generator that only quotes; a plug-in can not be had.
    """
    match settings:
        case NoRerankerSettings():
            return None
        case CrossEncoderRerankerSettings():
            from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker

            return CrossEncoderReranker(model=settings.model, device=settings.device)
        case HttpRerankerSettings():
            from rag_engine.connectors.rerankers.http_rerank import HttpReranker

            return HttpReranker(
                base_url=settings.base_url,
                model=settings.model,
                protocol=settings.protocol,
                api_key_env=settings.api_key_env,
                address_stored=settings.from_store,
                timeout_s=settings.timeout_s,
                max_retries=settings.max_retries,
                batch_size=settings.batch_size,
                max_tokens=settings.max_tokens,
            )
        case LlmRerankerSettings():
            from rag_engine.connectors.rerankers.listwise import ListwiseReranker

            if generator.quotes:
                raise SettingsError(
                    f"reranker.kind = 'llm' asks the generator, and {generator.name!r} only "
                    "quotes; set one that writes, such as generator.kind = 'openai-compatible'"
                )
            return ListwiseReranker(
                generator=generator, window=settings.window, max_tokens=settings.max_tokens
            )
        case PluginRerankerSettings():
            return load_plugin(settings, Reranker)  # type: ignore[type-abstract]


def build_generator(
    settings: GeneratorSettings,
    embedder: Embedder,
    prior: LanguagePrior | None = None,
    token_space: TokenSpace | None = None,
) -> Generator:
    """Build the generator that the settings name; one that quotes chooses by the other parts."""
    match settings:
        case ExtractiveGeneratorSettings():
            from rag_engine.connectors.generators.extractive import ExtractiveGenerator

            return ExtractiveGenerator(embedder=embedder, prior=prior, token_space=token_space)
        case OpenAICompatibleGeneratorSettings():
            from rag_engine.connectors.generators.openai_compatible import (
                OpenAICompatibleGenerator,
            )

            return OpenAICompatibleGenerator(
                base_url=settings.base_url,
                model=settings.model,
                api_key_env=settings.api_key_env,
                address_stored=settings.from_store,
                timeout_s=settings.timeout_s,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                stop=settings.stop,
            )
        case PluginGeneratorSettings():
            return load_plugin(settings, Generator)  # type: ignore[type-abstract]
