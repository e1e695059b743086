"""The settings of chunking, fairness, retrieval and reranking."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag

from rag_engine.records import UNDETERMINED
from rag_engine.settings.base import Frozen, Kind, Sourced, chosen_by
from rag_engine.settings.plugins import PLUGIN, Plugin
from rag_engine.text.codes import normalise_language

__all__ = [
    "ChunkingSettings",
    "CrossEncoderRerankerSettings",
    "FairnessSettings",
    "HttpRerankerSettings",
    "HybridRetrievalSettings",
    "LlmRerankerSettings",
    "NoRerankerSettings",
    "PlainRetrievalSettings",
    "PluginRerankerSettings",
    "RerankerSettings",
    "RetrievalMode",
    "RetrievalSettings",
    "rerank_pool",
]

RetrievalMode = Literal["hybrid", "dense", "lexical", "rrf", "bm25"]
_POOL = 50


class ChunkingSettings(Frozen):
    """How documents are cut into passages (fixed)."""

    stage = "chunking"
    max_tokens: int = Field(256, ge=16, le=8192)
    """Most tokens of a chunk, counted by the embedder's own tokenizer."""
    overlap_sentences: int = Field(1, ge=0, le=10)
    """How many sentences of a chunk stand again at the beginning of the next."""
    include_heading: bool = True
    """Embed and index a chunk together with its document's title and section path."""


class FairnessSettings(Frozen):
    """Whether languages are made comparable before vectors are compared.

    A change takes effect at once: the index is rebuilt from the stored vectors.
    """

    stage = "fairness"
    enabled: bool = True
    """Subtract from vectors what tells only their language, and give every language its chance."""


def _checked_languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a language that has no name, or stands twice."""
    if not tags:  # the names of all languages take time that few have to spend
        return tags
    from babel import Locale

    named = Locale("en").languages
    codes = [normalise_language(tag) for tag in tags]
    for tag, code in zip(tags, codes, strict=True):
        if code == UNDETERMINED or code not in named:
            raise ValueError(f"{tag!r:.40} is no language; write BCP-47 codes such as 'en', 'sw'")
        if codes.count(code) > 1:
            raise ValueError(f"{tag!r:.40} stands there twice")
    return tags


class _Retrieval(Kind):
    """How many passages are looked at on the way to an answer, and by which evidence."""

    stage = "retrieval"
    choice = "mode"
    translate: Annotated[tuple[str, ...], AfterValidator(_checked_languages)] = Field(
        (), max_length=4
    )
    """Languages (BCP-47) that the generator translates questions into. Each translation is searched
    as one of ``also`` is; one that fails, or takes long, is left out, and hits and answers say so.
    None by default: each costs a request to the model."""
    translate_timeout_s: float = Field(10.0, gt=0, le=86_400)
    """Seconds that all translations of a question may take together."""

    def without_effect(self) -> dict[str, str]:
        """A time for translations needs some."""
        if self.translate:
            return {}
        return {"translate_timeout_s": "retrieval.translate names no language"}


class HybridRetrievalSettings(_Retrieval):
    """Language-aware fusion of all evidence."""

    mode: Literal["hybrid"] = "hybrid"
    """``hybrid``: language-aware fusion of all evidence."""
    pool: int = Field(100, ge=1, le=10_000)
    """Candidates taken from each of the dense and the lexical index."""
    late_interaction: bool = True
    """Compare the best candidates with the question token by token, where tokens are kept."""
    late_interaction_pool: int = Field(30, ge=2, le=1_000)
    """Candidates that are compared so."""
    group_twins: bool = True
    """Show passages that say the same in several languages as one hit."""

    def without_effect(self) -> dict[str, str]:
        """A pool needs what looks into it, too."""
        unused = super().without_effect()
        if not self.late_interaction:
            unused["late_interaction_pool"] = "retrieval.late_interaction is false"
        return unused


class PlainRetrievalSettings(_Retrieval):
    """One kind of evidence alone, or a baseline to measure against."""

    mode: Literal["dense", "lexical", "rrf", "bm25"]
    """``dense``: vectors alone; ``lexical``: words alone; ``bm25`` and ``rrf`` (plain reciprocal
    rank fusion of dense search and BM25): baselines that both ruin search across languages."""
    pool: int = Field(100, ge=1, le=10_000)
    """Candidates taken from each index that the mode asks."""
    group_twins: bool = True
    """Show passages that say the same in several languages as one hit."""


RetrievalSettings = Annotated[
    Annotated[HybridRetrievalSettings, Tag("hybrid")]
    | Annotated[PlainRetrievalSettings, Tag("dense")]
    | Annotated[PlainRetrievalSettings, Tag("lexical")]
    | Annotated[PlainRetrievalSettings, Tag("rrf")]
    | Annotated[PlainRetrievalSettings, Tag("bm25")],
    chosen_by("mode", "hybrid", ("hybrid", "dense", "lexical", "rrf", "bm25")),
]
"""The settings of any mode of retrieval."""


class _Reranker(Kind):
    """What reads question and passage together; none by default."""

    stage = "reranker"


class NoRerankerSettings(_Reranker):
    """None: the order of retrieval stands."""

    kind: Literal["none"] = "none"
    """``none``: the order of retrieval stands."""


class CrossEncoderRerankerSettings(_Reranker):
    """A cross-encoder of sentence-transformers (extra ``torch``)."""

    kind: Literal["cross-encoder"] = "cross-encoder"
    """``cross-encoder``: a cross-encoder of sentence-transformers (extra ``torch``)."""
    model: str = Field(min_length=1)
    """A directory or a hub name."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: CUDA if there is one."""
    pool: int = Field(_POOL, ge=1, le=1_000)
    """Candidates that it reads."""


class HttpRerankerSettings(Sourced, _Reranker):
    """A server that speaks the ``/rerank`` protocol of Cohere and Jina."""

    kind: Literal["http"] = "http"
    """``http``: a server with a ``/rerank`` address: Cohere, Jina, TEI, vLLM, Infinity, llama.cpp.
    Where it fails, the order of retrieval stands, and hits and answers say so."""
    model: str = Field(min_length=1)
    """The name under which the server has the model; ``tei`` is not told, reports are."""
    base_url: str = Field(min_length=1)
    """The endpoint's address, up to what stands before ``/rerank``."""
    protocol: Literal["cohere", "tei"] = "cohere"
    """How a request looks: ``cohere`` (all others too), or ``tei`` (Text Embeddings Inference)."""
    api_key_env: str = "RAG_ENGINE_RERANK_API_KEY"
    """The environment variable that holds the key; the key itself is never stored."""
    timeout_s: float = Field(10.0, gt=0, le=86_400)
    """Seconds that a request may take."""
    max_retries: int = Field(1, ge=0, le=10)
    """How often a request that failed is made again, where that may help."""
    batch_size: int = Field(32, ge=1, le=1_000)
    """Passages of one request."""
    max_tokens: int = Field(512, ge=8, le=1_000_000)
    """Tokens (estimated) of a question and of a passage that are sent."""
    pool: int = Field(_POOL, ge=1, le=1_000)
    """Candidates that it reads."""


class LlmRerankerSettings(_Reranker):
    """The generator, asked to order passages (RankGPT, Sun et al. 2023)."""

    kind: Literal["llm"] = "llm"
    """``llm``: the generator of the settings orders passages, some at a time (RankGPT). Where it
    fails, the order of retrieval stands, and hits and answers say so."""
    window: int = Field(20, ge=2, le=100)
    """Passages that are ordered in one request; the next window shares half of them."""
    max_tokens: int = Field(300, ge=8, le=1_000_000)
    """Tokens (estimated) of a passage that are shown."""
    pool: int = Field(_POOL, ge=1, le=1_000)
    """Candidates that it reads."""


class PluginRerankerSettings(Plugin, _Reranker):
    """A ``Reranker`` of one's own."""

    pool: int = Field(_POOL, ge=1, le=1_000)
    """Candidates that it reads."""


RerankerSettings = Annotated[
    Annotated[NoRerankerSettings, Tag("none")]
    | Annotated[CrossEncoderRerankerSettings, Tag("cross-encoder")]
    | Annotated[HttpRerankerSettings, Tag("http")]
    | Annotated[LlmRerankerSettings, Tag("llm")]
    | Annotated[PluginRerankerSettings, Tag(PLUGIN)],
    chosen_by("kind", "none", ("none", "cross-encoder", "http", "llm"), other=PLUGIN),
]
"""The settings of any reranker."""


def rerank_pool(settings: RerankerSettings) -> int:
    """Return how many candidates a reranker reads, also one that was handed over in Python.

    >>> rerank_pool(NoRerankerSettings())
    50
    >>> rerank_pool(CrossEncoderRerankerSettings(model="m", pool=9))
    9
    """
    return _POOL if isinstance(settings, NoRerankerSettings) else settings.pool
