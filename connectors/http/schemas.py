"""What goes in and comes out of the service's own routes, as pydantic models.

Hits, answers and documents are those of ``rag_engine.serialisation``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.answering.strictness import Strictness
from rag_engine.connectors.http.filters import FilterIn
from rag_engine.filters import Filter, all_of, in_languages
from rag_engine.records import Message, MetadataValue
from rag_engine.serialisation import AskReply, Out, ProblemOut, Score, SearchReply
from rag_engine.text.direction import Direction

__all__ = [
    "AddReply",
    "AskReplyWithEvidence",
    "AskRequest",
    "DeleteReply",
    "DocumentBody",
    "DocumentIdsReply",
    "DocumentIn",
    "DocumentsRequest",
    "ErrorBody",
    "ErrorReply",
    "EvidenceOut",
    "FileOut",
    "FilesReply",
    "HealthReply",
    "IdsRequest",
    "KnowledgeBaseReply",
    "LanguageOut",
    "MessageIn",
    "PublishReply",
    "Reading",
    "Restricted",
    "SearchReplyWithEvidence",
    "SearchRequest",
    "SpanIn",
]

MOST_DOCUMENTS = 1_000
MOST_IDS = 1_000


class _In(BaseModel):
    """A request: unknown fields and other kinds of values are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorBody(Out):
    """What went wrong; ``code`` is for programs, ``message`` for people."""

    code: str
    message: str
    type: str
    param: str | None = None
    request_id: str


class ErrorReply(Out):
    """Every error has this shape."""

    error: ErrorBody


Question = Annotated[str, Field(min_length=1, max_length=10_000)]


class Restricted(BaseModel):
    """What a question is asked in, and which passages may answer it."""

    language: str | None = Field(
        None, max_length=40, description="The question's language (BCP-47); detected if not given."
    )
    languages: list[Annotated[str, Field(max_length=40)]] | None = Field(
        None, max_length=100, description="Only passages in these languages."
    )
    where: FilterIn | None = Field(None, description="Only passages that this filter lets pass.")

    def filter(self) -> Filter | None:
        """Return one filter for what restricts the passages.

        Raises:
            InvalidInput: it can not be used.
        """
        where = None if self.where is None else self.where.filter()
        return all_of(where, in_languages(self.languages))


class MessageIn(_In):
    """Something that was said before a question, by who asks or by what answers."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=100_000)


class _Asked(_In, Restricted):
    question: Question = Field(description="In any language.")
    also: list[Question] = Field(
        default_factory=list,
        max_length=8,
        description="Other formulations of the question: translations, rewritings. Each costs what "
        "a question costs.",
    )
    instruction: str | None = Field(
        None,
        max_length=1_000,
        description="What is looked for, for an embedder that was trained with instructions.",
    )
    history: list[MessageIn] = Field(
        default_factory=list,
        max_length=1_000,
        description="What was said before, oldest first; a question may then leave out or refer to "
        "what was said. The last exchange is read, by a language model the last four.",
    )
    evidence: bool = Field(
        False,
        description="Mark in each of the first 20 hits the sentence nearest to the question; it "
        "costs some milliseconds a hit.",
    )

    def messages(self) -> list[Message]:
        """Return the history as the engine's records."""
        return [Message(message.role, message.content) for message in self.history]


class SearchRequest(_Asked):
    """A question, and which passages may answer it."""

    k: int = Field(10, ge=1, le=1_000, description="How many passages.")
    min_score: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Least probability of a hit."
    )


class Reading(BaseModel):
    """What may be read for an answer, and how sure it has to be that there is one.

    What is null is as in the settings of the knowledge base.
    """

    k: int | None = Field(None, ge=1, le=1_000, description="Most passages that are read.")
    min_score: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Least probability of one that is read."
    )
    strictness: Strictness | None = Field(
        None,
        description="How probable it has to be that anything here answers (`answerable`): "
        "`strict`, `careful`, `balanced`, or `eager` for no bound.",
    )


class AskRequest(_Asked, Reading):
    """A question that is to be answered from the knowledge base."""

    answer_language: str | None = Field(
        None,
        max_length=40,
        description="The language of the answer (BCP-47); the question's if not given.",
    )
    stream: bool = Field(False, description="Server-sent events instead of one JSON object.")


class EvidenceOut(Out):
    """A stretch of a passage that speaks for it: characters ``start`` to ``end`` of its text."""

    start: int
    end: int


class _Evidence(Out):
    evidence: list[list[EvidenceOut]]
    """For each of ``hits``, in order, the stretches that speak for it; only if asked for."""


class SearchReplyWithEvidence(_Evidence, SearchReply):
    """What a search found, and why, with ``evidence`` in the request."""


class AskReplyWithEvidence(_Evidence, AskReply):
    """An answer and what it was read from, with ``evidence`` in the request."""


class SpanIn(_In):
    """Characters ``start`` to ``end`` of a text that lie under one heading or on one page."""

    start: int = Field(ge=0, le=2**31)
    end: int = Field(ge=0, le=2**31)
    section: list[str] = Field(default_factory=list, max_length=32)
    page: int | None = Field(None, ge=1, le=2**31)
    language: str | None = Field(None, max_length=40)


class _DocumentFields(_In):
    text: str
    title: str = ""
    source: str = ""
    language_hint: str | None = Field(None, max_length=40)
    spans: list[SpanIn] = Field(default_factory=list)
    metadata: dict[str, MetadataValue] = Field(default_factory=dict)


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


class AddReply(Out):
    """What was added, in documents; ``chunks`` counts passages."""

    added: int
    updated: int
    unchanged: int
    chunks: int
    empty: list[str] = Field(description="Ids of documents without any text.")


class DocumentIdsReply(Out):
    """Ids in order; ``next`` is what to ask ``after`` for more, null at the end."""

    ids: list[str]
    next: str | None


class DeleteReply(Out):
    """The ids that were there and are not any more."""

    deleted: list[str]


class FileOut(Out):
    """What indexing one file did; ``notes`` say how its pages were read, where that matters."""

    name: str
    unchanged: bool
    added: int
    updated: int
    deleted: int
    chunks: int
    problems: list[ProblemOut]
    notes: list[str]


class FilesReply(Out):
    """All files of an upload, in order."""

    files: list[FileOut]


class LanguageOut(Out):
    """A language of the knowledge base; ``share`` is that of all passages, 0 to 1."""

    language: str
    chunks: int
    share: Score
    direction: Direction


class KnowledgeBaseReply(Out):
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


class PublishReply(Out):
    """The index files after they were built."""

    published: bool
    generation: int
    bytes: int


class HealthReply(Out):
    """``ok``, or why not."""

    status: str
