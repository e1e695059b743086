"""What goes in and comes out of the service's own routes, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.connectors.http.filter_schema import FilterIn

__all__ = [
    "AddReply",
    "AskReply",
    "AskRequest",
    "CitationOut",
    "DeleteReply",
    "DocumentIdsReply",
    "DocumentIn",
    "DocumentOut",
    "DocumentsRequest",
    "ErrorBody",
    "ErrorReply",
    "EvidenceOut",
    "FileOut",
    "FilesReply",
    "HealthReply",
    "HitOut",
    "IdsRequest",
    "KnowledgeBaseReply",
    "LanguageOut",
    "PartsOut",
    "ProblemOut",
    "PublishReply",
    "SearchReply",
    "SearchRequest",
    "SpanIO",
    "TwinOut",
]

Scalar = str | int | float | bool
Direction = Literal["ltr", "rtl"]
MOST_DOCUMENTS = 1_000
MOST_IDS = 1_000


class _In(BaseModel):
    """A request: unknown fields and other kinds of values are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorBody(_Out):
    """What went wrong; ``code`` is for programs, ``message`` for people."""

    code: str
    message: str
    type: str
    param: str | None = None
    request_id: str


class ErrorReply(_Out):
    """Every error has this shape."""

    error: ErrorBody


Question = Annotated[str, Field(min_length=1, max_length=10_000)]


class _Asked(_In):
    question: Question = Field(description="In any language.")
    language: str | None = Field(
        None, max_length=40, description="The question's language (BCP-47); detected if not given."
    )
    languages: list[Annotated[str, Field(max_length=40)]] | None = Field(
        None, max_length=100, description="Only passages in these languages."
    )
    where: FilterIn | None = Field(None, description="Only passages that this filter lets pass.")
    evidence: bool = Field(
        False,
        description="Mark in each of the first 20 hits the sentence nearest to the question; it "
        "costs some milliseconds a hit.",
    )


class SearchRequest(_Asked):
    """A question, and which passages may answer it."""

    k: int = Field(10, ge=1, le=1_000, description="How many passages.")
    min_score: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Least probability of a hit."
    )


class AskRequest(_Asked):
    """A question that is to be answered from the knowledge base."""

    answer_language: str | None = Field(
        None,
        max_length=40,
        description="The language of the answer (BCP-47); the question's if not given.",
    )
    stream: bool = Field(False, description="Server-sent events instead of one JSON object.")


class EvidenceOut(_Out):
    """A stretch of a passage that speaks for it: characters ``start`` to ``end`` of its text."""

    start: int
    end: int


class PartsOut(_Out):
    """Why a hit stands where it stands; see ``ScoreParts``."""

    dense: float
    dense_plain: float
    lexical: float
    matched_terms: list[str]
    late: float | None
    rerank: float | None
    rank_before_rerank: int


class TwinOut(_Out):
    """A passage that says the same in another language."""

    document: str
    source: str
    title: str
    language: str
    direction: Direction
    section: list[str]
    page: int | None
    start: int
    end: int
    text: str


class HitOut(_Out):
    """One passage; ``score`` is the probability, 0 to 1, that it answers the question.

    ``start`` and ``end`` count characters (Unicode code points) of the document's text,
    ``evidence`` those of the passage's own.
    """

    rank: int
    score: float
    document: str
    source: str
    title: str
    language: str
    direction: Direction
    section: list[str]
    page: int | None
    start: int
    end: int
    text: str
    evidence: list[EvidenceOut]
    metadata: dict[str, Scalar]
    parts: PartsOut
    twins: list[TwinOut]


class SearchReply(_Out):
    """The best passages, best first."""

    question: str
    language: str | None = Field(description="The question's language; null if nothing was found.")
    hits: list[HitOut]


class CitationOut(_Out):
    """A source that the answer names as ``[number]``."""

    number: int
    document: str
    source: str
    title: str
    language: str
    direction: Direction
    page: int | None
    text: str


class AskReply(_Out):
    """An answer with its sources; not ``supported``: the knowledge base does not hold one."""

    question: str
    answer: str
    language: str
    direction: Direction
    supported: bool
    generator: str
    warnings: list[str]
    citations: list[CitationOut]
    hits: list[HitOut]


class SpanIO(_In):
    """Characters ``start`` to ``end`` of a text that lie under one heading or on one page."""

    start: int = Field(ge=0, le=2**31)
    end: int = Field(ge=0, le=2**31)
    section: list[str] = Field(default_factory=list, max_length=32)
    page: int | None = Field(None, ge=1, le=2**31)


class _DocumentFields(_In):
    text: str
    title: str = ""
    source: str = ""
    language_hint: str | None = Field(None, max_length=40)
    spans: list[SpanIO] = Field(default_factory=list)
    metadata: dict[str, Scalar] = Field(default_factory=dict)


class DocumentBody(_DocumentFields):
    """A document whose id stands in the path."""


class DocumentIn(_DocumentFields):
    """A document; it replaces one with the same id."""

    id: str = Field(min_length=1, max_length=1024)


class DocumentsRequest(_In):
    """Several documents."""

    documents: list[DocumentIn] = Field(min_length=1, max_length=MOST_DOCUMENTS)


class IdsRequest(_In):
    """Ids of documents."""

    ids: list[Annotated[str, Field(min_length=1, max_length=1024)]] = Field(
        min_length=1, max_length=MOST_IDS
    )


class AddReply(_Out):
    """What was added, in documents; ``chunks`` counts passages."""

    added: int
    updated: int
    unchanged: int
    chunks: int
    empty: list[str] = Field(description="Ids of documents without any text.")


class DocumentOut(_Out):
    """A document as it was added."""

    id: str
    text: str
    title: str
    source: str
    direction: Direction
    language_hint: str | None
    spans: list[SpanIO]
    metadata: dict[str, Scalar]


class DocumentIdsReply(_Out):
    """Ids in order; ``next`` is what to ask ``after`` for more, null at the end."""

    ids: list[str]
    next: str | None


class DeleteReply(_Out):
    """The ids that were there and are not any more."""

    deleted: list[str]


class ProblemOut(_Out):
    """What could not be read, and why."""

    source: str
    reason: str


class FileOut(_Out):
    """What indexing one file did."""

    name: str
    unchanged: bool
    added: int
    updated: int
    deleted: int
    chunks: int
    problems: list[ProblemOut]


class FilesReply(_Out):
    """All files of an upload, in order."""

    files: list[FileOut]


class LanguageOut(_Out):
    """A language of the knowledge base; ``share`` is that of all passages, 0 to 1."""

    language: str
    chunks: int
    share: float
    direction: Direction


class KnowledgeBaseReply(_Out):
    """What the knowledge base holds, and how it is searched."""

    documents: int
    chunks: int
    sources: int
    languages: list[LanguageOut]
    bytes: int
    published: bool
    generation: int
    dense: str
    lexical: str
    model: str
    generator: str
    mode: str
    read_only: bool
    role: str = Field(description="What the caller's key may do.")


class PublishReply(_Out):
    """The index files after they were built."""

    published: bool
    generation: int
    bytes: int


class HealthReply(_Out):
    """``ok``, or why not."""

    status: str
