"""The settings of the dense and the lexical index, and of the server that may hold them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, Tag, field_validator
from pydantic_core import PydanticCustomError

from rag_engine.settings.base import Frozen, Kind, Sourced, chosen_by
from rag_engine.settings.plugins import is_importable

__all__ = [
    "FEWEST_IN_LISTS",
    "AutoDenseSettings",
    "DenseKind",
    "DenseSettings",
    "ExactDenseSettings",
    "HnswDenseSettings",
    "IvfPqDenseSettings",
    "LangChainDenseSettings",
    "LexicalSettings",
    "MilvusDenseSettings",
    "MilvusSettings",
    "Storage",
]

FEWEST_IN_LISTS = 4_096
"""Vectors from which on inverted lists of short codes can be built; fewer are all compared."""
DenseKind = Literal["auto", "exact", "hnsw", "ivf-pq", "milvus", "langchain"]
Storage = Literal["auto", "float32", "float16", "sq8", "sq4"]
"""What a graph keeps of a component: 32, 16, 8 or 4 bits."""


class _Dense(Kind):
    """How vectors are searched; a change takes effect when the index is next rebuilt."""

    stage = "dense"


class AutoDenseSettings(_Dense):
    """Exact for few vectors, then a graph, then a smaller one."""

    kind: Literal["auto"] = "auto"
    """``auto``: exact below ``exact_below`` vectors, then an HNSW graph, from ``compact_from`` on
    one of 8 bits a component."""
    exact_below: int = Field(20_000, ge=0, le=2**40)
    """So many vectors get an approximate index; fewer are all compared."""
    compact_from: int = Field(200_000, ge=0, le=2**40)
    """So many vectors get a graph of ``sq8``, where ``storage`` is ``auto``."""
    storage: Storage = "auto"
    """What the graph keeps of a component: 32, 16, 8 or 4 bits; ``auto``: ``float32``, and ``sq8``
    for many vectors. Scores are exact with all of them."""
    m: int = Field(32, ge=4, le=128)
    """Neighbours a vector in the graph (2 m on the lowest layer); 8 m bytes a vector."""
    ef_construction: int = Field(200, ge=8, le=100_000)
    """Candidates looked at when a vector is inserted; build time grows with it."""
    ef_search: int = Field(128, ge=8, le=100_000)
    """Candidates looked at by a search; recall and time grow with it."""

    def without_effect(self) -> dict[str, str]:
        """``compact_from`` chooses between storages that ``auto`` would take."""
        if self.storage == "auto":
            return {}
        return {
            "compact_from": f"storage = {self.storage!r} holds for every size; with 'auto' it has"
        }


class ExactDenseSettings(_Dense):
    """Compares with every vector."""

    kind: Literal["exact"] = "exact"
    """``exact``: compares with every vector."""


class HnswDenseSettings(_Dense):
    """A navigable graph, by FAISS."""

    kind: Literal["hnsw"] = "hnsw"
    """``hnsw``: walks a graph, by FAISS."""
    storage: Storage = "auto"
    """What the graph keeps of a component: 32, 16, 8 or 4 bits; ``auto``: ``float32``. Scores are
    exact with all of them."""
    m: int = Field(32, ge=4, le=128)
    """Neighbours a vector in the graph (2 m on the lowest layer); 8 m bytes a vector."""
    ef_construction: int = Field(200, ge=8, le=100_000)
    """Candidates looked at when a vector is inserted; build time grows with it."""
    ef_search: int = Field(128, ge=8, le=100_000)
    """Candidates looked at by a search; recall and time grow with it."""


class IvfPqDenseSettings(_Dense):
    """Inverted lists of short codes, by FAISS: the least memory."""

    kind: Literal["ivf-pq"] = "ivf-pq"
    """``ivf-pq``: looks through lists of short codes, by FAISS, in the least memory."""
    exact_below: int = Field(20_000, ge=FEWEST_IN_LISTS, le=2**40)
    """So many vectors get an approximate index; fewer are all compared."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it is built; it is searched on the CPU."""


class MilvusDenseSettings(_Dense):
    """A graph on the server of the table ``milvus`` (extra ``milvus``)."""

    kind: Literal["milvus"] = "milvus"
    """``milvus``: a graph on the server of ``[milvus]`` (extra ``milvus``)."""
    m: int = Field(32, ge=4, le=128)
    """Neighbours a vector in the graph (2 m on the lowest layer); 8 m bytes a vector."""
    ef_construction: int = Field(200, ge=8, le=100_000)
    """Candidates looked at when a vector is inserted; build time grows with it."""
    ef_search: int = Field(128, ge=8, le=100_000)
    """Candidates looked at by a search; recall and time grow with it."""


class LangChainDenseSettings(Sourced, _Dense):
    """Any vector store of LangChain (extra ``langchain``)."""

    kind: Literal["langchain"] = "langchain"
    """``langchain``: any vector store of LangChain (extra ``langchain``)."""
    store: str = Field(min_length=1)
    """``module:function`` of a module that can be imported. The function takes LangChain's
    ``Embeddings`` and a collection's name, and returns the vector store of that name."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments for the function. They are kept with the knowledge base: no place for
    keys."""

    @field_validator("store")
    @classmethod
    def _names_a_function(cls, store: str) -> str:
        if not is_importable(store):
            told = "it is 'module:function' of a module that can be imported"
            raise PydanticCustomError("no_name", "{told}", {"told": told})
        return store


DenseSettings = Annotated[
    Annotated[AutoDenseSettings, Tag("auto")]
    | Annotated[ExactDenseSettings, Tag("exact")]
    | Annotated[HnswDenseSettings, Tag("hnsw")]
    | Annotated[IvfPqDenseSettings, Tag("ivf-pq")]
    | Annotated[MilvusDenseSettings, Tag("milvus")]
    | Annotated[LangChainDenseSettings, Tag("langchain")],
    chosen_by("kind", "auto", ("auto", "exact", "hnsw", "ivf-pq", "milvus", "langchain")),
]
"""The settings of any dense index."""


class LexicalSettings(Frozen):
    """How terms are searched; a change takes effect when the index is next rebuilt."""

    stage = "lexical"
    kind: Literal["tantivy", "rank-bm25", "milvus-bm25"] = "tantivy"
    """``tantivy``: on disk; ``rank-bm25``: in memory; ``milvus-bm25``: on the server of
    ``[milvus]``, from Milvus 2.5 on."""


class MilvusSettings(Sourced):
    """The server of ``dense.kind = "milvus"`` and ``lexical.kind = "milvus-bm25"``."""

    stage = "milvus"
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
    timeout_s: float = Field(30.0, gt=0, le=86_400)
    """Seconds that one call may take."""
    batch_mb: int = Field(8, ge=1, le=60)
    """How many MB (2^20 bytes) are sent at a time; servers take 64."""
