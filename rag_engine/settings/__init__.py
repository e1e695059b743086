"""Settings: small frozen models, a table a stage, read from TOML, unknown keys refused.

A knowledge base keeps the settings that it was made with; those marked *fixed* are part of its
contract and can not change afterwards, the others can be given anew each time it is opened.

Where a stage has several kinds of a part, each has its class, with the fields that it uses. They
are the format of the file and import nothing, so they stand here and not beside the connectors.

>>> Settings().chunking.max_tokens
256
>>> Settings.model_validate({"retrieval": {"pool": 50}}).retrieval.pool
50
>>> Settings(dense=HnswDenseSettings(m=16)).dense.m
16
"""

from rag_engine.settings.answering import (
    AnsweringSettings,
    ExtractiveGeneratorSettings,
    GeneratorSettings,
    OpenAICompatibleGeneratorSettings,
    PluginGeneratorSettings,
)
from rag_engine.settings.embedder import (
    BgeM3EmbedderSettings,
    BundledEmbedderSettings,
    EmbedderSettings,
    ExportedEmbedderSettings,
    OpenAICompatibleEmbedderSettings,
    PluginEmbedderSettings,
    Precision,
    SentenceTransformerEmbedderSettings,
)
from rag_engine.settings.images import ImagesSettings
from rag_engine.settings.indexes import (
    AutoDenseSettings,
    DenseKind,
    DenseSettings,
    ExactDenseSettings,
    HnswDenseSettings,
    IvfPqDenseSettings,
    LangChainDenseSettings,
    LexicalSettings,
    MilvusDenseSettings,
    MilvusSettings,
)
from rag_engine.settings.loaders import LoaderPluginSettings, LoaderSettings
from rag_engine.settings.ocr import OcrSettings
from rag_engine.settings.plugins import Plugin
from rag_engine.settings.retrieval import (
    ChunkingSettings,
    CrossEncoderRerankerSettings,
    FairnessSettings,
    HttpRerankerSettings,
    HybridRetrievalSettings,
    LlmRerankerSettings,
    NoRerankerSettings,
    PlainRetrievalSettings,
    PluginRerankerSettings,
    RerankerSettings,
    RetrievalMode,
    RetrievalSettings,
    rerank_pool,
)
from rag_engine.settings.stored import read_stored
from rag_engine.settings.whole import Settings

__all__ = [
    "AnsweringSettings",
    "AutoDenseSettings",
    "BgeM3EmbedderSettings",
    "BundledEmbedderSettings",
    "ChunkingSettings",
    "CrossEncoderRerankerSettings",
    "DenseKind",
    "DenseSettings",
    "EmbedderSettings",
    "ExactDenseSettings",
    "ExportedEmbedderSettings",
    "ExtractiveGeneratorSettings",
    "FairnessSettings",
    "GeneratorSettings",
    "HnswDenseSettings",
    "HttpRerankerSettings",
    "HybridRetrievalSettings",
    "ImagesSettings",
    "IvfPqDenseSettings",
    "LangChainDenseSettings",
    "LexicalSettings",
    "LlmRerankerSettings",
    "LoaderPluginSettings",
    "LoaderSettings",
    "MilvusDenseSettings",
    "MilvusSettings",
    "NoRerankerSettings",
    "OcrSettings",
    "OpenAICompatibleEmbedderSettings",
    "OpenAICompatibleGeneratorSettings",
    "PlainRetrievalSettings",
    "Plugin",
    "PluginEmbedderSettings",
    "PluginGeneratorSettings",
    "PluginRerankerSettings",
    "Precision",
    "RerankerSettings",
    "RetrievalMode",
    "RetrievalSettings",
    "SentenceTransformerEmbedderSettings",
    "Settings",
    "read_stored",
    "rerank_pool",
]
