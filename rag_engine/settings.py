"""Settings: one small frozen model a stage, read from TOML, unknown keys refused.

A knowledge base keeps the settings that it was made with; those marked *fixed* are part of its
contract and can not change afterwards, the others can be given anew each time it is opened.

>>> Settings().chunking.max_tokens
256
>>> Settings.model_validate({"retrieval": {"pool": 50}}).retrieval.pool
50
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag_engine.errors import SettingsError

__all__ = [
    "AnsweringSettings",
    "ChunkingSettings",
    "DenseKind",
    "DenseSettings",
    "EmbedderSettings",
    "FairnessSettings",
    "GeneratorSettings",
    "LexicalSettings",
    "LoaderSettings",
    "MilvusSettings",
    "Precision",
    "RerankerSettings",
    "RetrievalSettings",
    "Settings",
]


Precision = Literal["auto", "int8", "bf16", "f32"]
"""How a model computes."""

DenseKind = Literal["auto", "exact", "hnsw", "ivf-pq", "milvus"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChunkingSettings(_Frozen):
    """How documents are cut into passages (fixed)."""

    max_tokens: int = Field(256, ge=16, le=8192)
    """Most tokens of a chunk, counted by the embedder's own tokenizer."""
    overlap_sentences: int = Field(1, ge=0, le=10)
    """How many sentences of a chunk stand again at the beginning of the next."""
    include_heading: bool = True
    """Embed and index a chunk together with its document's title and section path."""


class EmbedderSettings(_Frozen):
    """Where vectors come from (fixed but for ``device``, ``threads`` and ``precision``)."""

    kind: Literal["bundled", "exported", "sentence-transformer", "openai-compatible"] = "bundled"
    model: str = ""
    """A directory or a hub name (``sentence-transformer``), a directory that ``rag-engine export``
    wrote (``exported``), a served name (``openai-...``)."""
    adapter: bool = True
    """Add to the bundled model what it learnt about finding passages across languages."""
    base_url: str = ""
    """The endpoint's address, up to and with ``/v1`` (``openai-compatible``)."""
    api_key_env: str = "RAG_ENGINE_EMBEDDINGS_API_KEY"
    """The environment variable that holds the key; the key itself is never stored."""
    query_prompt: str | None = None
    passage_prompt: str | None = None
    """Text put before each input; None: what the model's family is known to need."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``; ``auto``: CUDA if there is one (``sentence-transformer``)."""
    precision: Precision = "auto"
    """How vectors are computed: ``auto`` is the quickest that the processor has built in; ``int8``
    is the bundled model's."""
    truncate_dim: int | None = Field(None, ge=8)
    """Keep only so many leading components of a vector (``sentence-transformer``): for models that
    were trained for it, by Matryoshka representation learning (Kusupati et al. 2022)."""
    threads: int = Field(0, ge=0)
    """CPU threads for embedding; 0: one a core."""
    token_vectors: bool = True
    """Keep the vectors of a passage's tokens for late interaction, where the model tells them
    (``bundled`` does): 130 bytes a token on disk."""


class DenseSettings(_Frozen):
    """How vectors are searched; a change takes effect when the index is next rebuilt."""

    kind: DenseKind = "auto"
    """``exact`` compares with every vector; ``hnsw`` walks a graph; ``ivf-pq`` looks through lists
    of short codes, in the least memory; ``auto`` is exact below ``exact_below`` vectors, then a
    graph, from ``compact_from`` on one of 8 bits a component; ``milvus`` is a graph on a server
    (see ``MilvusSettings``)."""
    exact_below: int = Field(20_000, ge=0)
    compact_from: int = Field(200_000, ge=0)
    storage: Literal["auto", "float32", "float16", "sq8", "sq4"] = "auto"
    """HNSW: what the graph keeps of a component, 32, 16, 8 or 4 bits; ``auto`` is ``float32``, and
    ``sq8`` from ``compact_from`` vectors on. Scores are exact with all of them."""
    device: Literal["cpu", "cuda"] = "cpu"
    """IVF-PQ: where it is built."""
    m: int = Field(32, ge=4, le=128)
    """HNSW: neighbours a vector in the graph (2 m on the lowest layer); 8 m bytes a vector."""
    ef_construction: int = Field(200, ge=8)
    """HNSW: candidates looked at when a vector is inserted; build time grows with it."""
    ef_search: int = Field(128, ge=8)
    """HNSW: candidates looked at by a search; recall and time grow with it."""


class MilvusSettings(_Frozen):
    """The server of ``dense.kind = "milvus"`` and ``lexical.kind = "milvus-bm25"``."""

    uri: str = "http://localhost:19530"
    """``http(s)://host:port``, or for Milvus Lite the path of a file that ends in ``.db``."""
    token_env: str = "RAG_ENGINE_MILVUS_TOKEN"  # noqa: S105 (the name of a variable)
    """The environment variable that holds the token, ``user:password`` or a key; never stored."""
    database: str = ""
    """The database on the server; empty: its default one."""
    prefix: str = "rag_engine"
    """What names of collections begin with; each knowledge base has collections of its own."""
    ca_file: str = ""
    """A PEM file with the authority that signed the server's certificate; empty: the system's."""
    timeout_s: float = Field(30.0, gt=0)
    batch_mb: int = Field(8, ge=1, le=60)
    """How much is sent at a time; servers take 64 MB."""


class LexicalSettings(_Frozen):
    """How terms are searched; a change takes effect when the index is next rebuilt."""

    kind: Literal["tantivy", "rank-bm25", "milvus-bm25"] = "tantivy"
    """``milvus-bm25`` keeps terms on the server of ``MilvusSettings``, from Milvus 2.5 on."""


class FairnessSettings(_Frozen):
    """Whether languages are made comparable before vectors are compared.

    A change takes effect at once: the index is rebuilt from the stored vectors.
    """

    enabled: bool = True


class RetrievalSettings(_Frozen):
    """How many passages are looked at on the way to an answer, and by which evidence."""

    mode: Literal["hybrid", "dense", "lexical", "rrf", "bm25"] = "hybrid"
    """``hybrid`` is language-aware fusion; ``bm25`` and ``rrf`` (plain reciprocal rank fusion of
    dense search and BM25) are baselines to measure against: both ruin search across languages."""
    pool: int = Field(100, ge=1, le=10_000)
    """Candidates taken from each of the dense and the lexical index."""
    late_interaction: bool = True
    """Compare the best candidates with the question token by token, where tokens are kept."""
    late_interaction_pool: int = Field(30, ge=2, le=1_000)
    """Candidates that are compared so."""
    rerank_pool: int = Field(50, ge=1, le=1_000)
    """Candidates that a reranker, if there is one, reads."""
    group_twins: bool = True
    """Show passages that say the same in several languages as one hit."""


class RerankerSettings(_Frozen):
    """A cross-encoder that reads question and passage together; none by default."""

    model: str = ""
    """A sentence-transformers cross-encoder: a directory or a hub name."""
    device: str = "auto"


class GeneratorSettings(_Frozen):
    """What writes answers, and the questions of ``rag-engine synthesize``."""

    kind: Literal["extractive", "openai-compatible"] = "extractive"
    model: str = ""
    base_url: str = ""
    api_key_env: str = "RAG_ENGINE_LLM_API_KEY"
    timeout_s: float = Field(60.0, gt=0)
    max_tokens: int = Field(512, ge=1)


class AnsweringSettings(_Frozen):
    """How much the generator is given to read."""

    hits: int = Field(8, ge=1, le=100)
    min_score: float = Field(0.03, ge=0, le=1)
    """Hits below are not read; without any, the knowledge base holds no answer."""
    context_tokens: int = Field(1500, ge=50)


class LoaderSettings(_Frozen):
    """How files become documents."""

    text_columns: tuple[str, ...] = ()
    """CSV, TSV, JSONL: the columns that hold the text; empty: found by their names."""
    title_column: str = ""
    id_column: str = ""
    metadata_columns: tuple[str, ...] | None = None
    """None: every other column."""
    max_file_mb: int = Field(200, ge=1)
    timeout_s: float = Field(20.0, gt=0)
    """Seconds that one PDF, DOCX or HTML file may take."""


class Settings(_Frozen):
    """Everything that can be set, with defaults that need no change."""

    chunking: ChunkingSettings = ChunkingSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    dense: DenseSettings = DenseSettings()
    milvus: MilvusSettings = MilvusSettings()
    lexical: LexicalSettings = LexicalSettings()
    fairness: FairnessSettings = FairnessSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    reranker: RerankerSettings = RerankerSettings()
    generator: GeneratorSettings = GeneratorSettings()
    answering: AnsweringSettings = AnsweringSettings()
    loaders: LoaderSettings = LoaderSettings()

    @classmethod
    def from_toml(cls, path: Path) -> Settings:
        """Read settings from a TOML file with a table a stage.

        Raises:
            SettingsError: the file is missing, is no TOML, or holds an unknown or bad value.
        """
        try:
            return cls.checked(tomllib.loads(path.read_text(encoding="utf-8")), origin=str(path))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"settings file {path}: {error}") from error

    @classmethod
    def checked(cls, data: dict[str, Any], *, origin: str) -> Settings:
        """Validate plain data; ``origin`` names where it came from in the error.

        >>> Settings.checked({"dense": {"kindd": "hnsw"}}, origin="my.toml")
        Traceback (most recent call last):
            ...
        rag_engine.errors.SettingsError: my.toml: dense.kindd: Extra inputs are not permitted \
(got 'hnsw')
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']} "
                f"(got {item['input']!r:.80})"
                for item in error.errors(include_url=False)
            )
            raise SettingsError(f"{origin}: {problems}") from error
