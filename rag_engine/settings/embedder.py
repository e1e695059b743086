"""The settings of embedders, a class a kind."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag

from rag_engine.settings.base import Kind, Sourced, chosen_by
from rag_engine.settings.plugins import PLUGIN, Plugin

__all__ = [
    "BgeM3EmbedderSettings",
    "BundledEmbedderSettings",
    "EmbedderSettings",
    "ExportedEmbedderSettings",
    "OpenAICompatibleEmbedderSettings",
    "PluginEmbedderSettings",
    "Precision",
    "SentenceTransformerEmbedderSettings",
]

Precision = Literal["auto", "int8", "bf16", "f32"]
"""How a model computes."""

_ON_A_GPU = (
    "; the CPU computes here, and a GPU with kind = 'sentence-transformer' and a model "
    "(`rag-engine export bundled DIR --to sentence-transformers` writes the bundled one)"
)


_NOT_IN_PARTS = (
    "; the bundled model was not trained for it, and most of what a passage takes are its tokens' "
    "vectors (embedder.token_vectors = false); `rag-engine train embedder --matryoshka 256,128` "
    "writes a model that is trained for it, for kind = 'sentence-transformer'"
)


class _Embedder(Kind):
    """Where vectors come from (fixed but for ``device``, ``threads`` and ``precision``)."""

    stage = "embedder"
    hints: ClassVar[dict[str, str]] = {"device": _ON_A_GPU}


class BundledEmbedderSettings(_Embedder):
    """Multilingual-E5-small with what comes with this project: no download, no torch."""

    hints: ClassVar[dict[str, str]] = {**_Embedder.hints, "truncate_dim": _NOT_IN_PARTS}
    kind: Literal["bundled"] = "bundled"
    """``bundled``: multilingual-E5-small, which comes with the extra ``cpu``."""
    adapter: bool = True
    """Add to the model what it learnt about finding passages across languages."""
    precision: Precision = "auto"
    """How vectors are computed; ``auto``: the quickest that the processor has built in."""
    threads: int = Field(0, ge=0, le=1_024)
    """CPU threads for embedding; 0: one a core."""
    token_vectors: bool = True
    """Keep the vectors of a passage's tokens for late interaction: 16 bytes a token on disk."""


class ExportedEmbedderSettings(_Embedder):
    """A model that ``rag-engine export`` wrote for OpenVINO or ONNX Runtime."""

    kind: Literal["exported"] = "exported"
    """``exported``: a model that ``rag-engine export`` wrote for OpenVINO or ONNX Runtime."""
    model: str = Field(min_length=1)
    """The directory that it was written into."""
    query_prompt: str | None = None
    """Text put before each question; none stated: what was exported."""
    passage_prompt: str | None = None
    """Text put before each passage; none stated: what was exported."""
    precision: Literal["auto", "bf16", "f32"] = "auto"
    """How OpenVINO computes; ``auto``: the quickest that the processor has built in."""
    threads: int = Field(0, ge=0, le=1_024)
    """CPU threads for embedding; 0: one a core."""
    fit: str = Field("auto", min_length=1)
    """The file that ``rag-engine fit`` wrote for the model; ``auto``: ``rag_engine_fit.npz`` in the
    model's directory, if it is there; ``none``."""


class SentenceTransformerEmbedderSettings(_Embedder):
    """Any model of sentence-transformers (extra ``torch``)."""

    kind: Literal["sentence-transformer"] = "sentence-transformer"
    """``sentence-transformer``: any model of that library (extra ``torch``)."""
    model: str = Field(min_length=1)
    """A directory or a hub name."""
    query_prompt: str | None = None
    """Text put before each question; none stated: what the model's family is known to need."""
    passage_prompt: str | None = None
    """Text put before each passage; none stated: what the model's family is known to need."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: CUDA if there is one."""
    precision: Literal["auto", "bf16", "f32"] = "auto"
    """How vectors are computed; ``auto``: ``bf16`` on a GPU, else ``f32``."""
    threads: int = Field(0, ge=0, le=1_024)
    """torch's CPU threads; 0: as many as it takes by itself."""
    truncate_dim: int | None = Field(None, ge=8, le=65_536)
    """Keep only so many leading components of a vector: for models that were trained for it, by
    Matryoshka representation learning (Kusupati et al. 2022)."""
    fit: str = Field("auto", min_length=1)
    """The file that ``rag-engine fit`` wrote for the model; ``auto``: ``rag_engine_fit.npz`` in the
    model's directory, if it is there; ``none``."""


class BgeM3EmbedderSettings(_Embedder):
    """BGE-M3, or a model laid out as it is (extra ``torch``)."""

    kind: Literal["bge-m3"] = "bge-m3"
    """``bge-m3``: BGE-M3's three kinds of vectors from one run (extra ``torch``)."""
    model: str = Field(min_length=1)
    """A directory or a hub name; with ``sparse_linear.pt`` and ``colbert_linear.pt``."""
    query_prompt: str | None = None
    """Text put before each question; none stated: the model's own, which for BGE-M3 is none."""
    passage_prompt: str | None = None
    """Text put before each passage; none stated: the model's own, which for BGE-M3 is none."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: CUDA if there is one."""
    precision: Literal["auto", "bf16", "f32"] = "auto"
    """How vectors are computed; ``auto``: ``bf16`` on a GPU, else ``f32``."""
    threads: int = Field(0, ge=0, le=1_024)
    """torch's CPU threads; 0: as many as it takes by itself."""
    token_vectors: bool = True
    """Keep the vectors of a passage's tokens for late interaction: of BGE-M3, 1 KB a token."""
    sparse_vectors: bool = True
    """Keep what a passage's tokens weigh, and compare it: 6 bytes a token."""
    fit: str = Field("auto", min_length=1)
    """The file that ``rag-engine fit`` wrote for the model; ``auto``: ``rag_engine_fit.npz`` in the
    model's directory, if it is there; ``none``."""


class OpenAICompatibleEmbedderSettings(Sourced, _Embedder):
    """A server that speaks OpenAI's embeddings protocol."""

    kind: Literal["openai-compatible"] = "openai-compatible"
    """``openai-compatible``: a server that speaks OpenAI's embeddings protocol."""
    model: str = Field(min_length=1)
    """The name under which the server has the model."""
    base_url: str = Field(min_length=1)
    """The endpoint's address, up to and with ``/v1``."""
    api_key_env: str = "RAG_ENGINE_EMBEDDINGS_API_KEY"
    """The environment variable that holds the key; the key itself is never stored."""
    query_prompt: str | None = None
    """Text put before each question; none stated: what the model's family is known to need."""
    passage_prompt: str | None = None
    """Text put before each passage; none stated: what the model's family is known to need."""
    input_types: tuple[str, str] | None = None
    """What the server calls a question and a passage (NVIDIA NIM: ``["query", "passage"]``, Voyage:
    ``["query", "document"]``); none stated: it is not told."""
    fit: str = Field("none", min_length=1)
    """The file that ``rag-engine fit`` wrote for the model; ``none``."""


class PluginEmbedderSettings(Plugin, _Embedder):
    """An ``Embedder`` of one's own."""

    fit: str = Field("none", min_length=1)
    """The file that ``rag-engine fit`` wrote for the model; ``none``."""


EmbedderSettings = Annotated[
    Annotated[BundledEmbedderSettings, Tag("bundled")]
    | Annotated[ExportedEmbedderSettings, Tag("exported")]
    | Annotated[SentenceTransformerEmbedderSettings, Tag("sentence-transformer")]
    | Annotated[BgeM3EmbedderSettings, Tag("bge-m3")]
    | Annotated[OpenAICompatibleEmbedderSettings, Tag("openai-compatible")]
    | Annotated[PluginEmbedderSettings, Tag(PLUGIN)],
    chosen_by(
        "kind",
        "bundled",
        ("bundled", "exported", "sentence-transformer", "bge-m3", "openai-compatible"),
        other=PLUGIN,
    ),
]
"""The settings of any embedder."""
