"""What travels through the engine: frozen records, one a concept.

``Document`` goes in; it is cut into ``Chunk`` records; a search returns ``Hit`` records; ``ask``
returns an ``Answer`` whose ``Citation`` records point at hits. ``Message`` records are what was
said before a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Literal

from rag_engine.errors import InvalidDocument
from rag_engine.images.document_image import DocumentImage, image_of

__all__ = [
    "UNDETERMINED",
    "AddReport",
    "Answer",
    "Chunk",
    "Citation",
    "Document",
    "Hit",
    "Message",
    "MetadataValue",
    "Note",
    "Problem",
    "ScoreParts",
    "Span",
    "Twin",
]

UNDETERMINED = "und"
"""The BCP-47 code for a text whose language can not be told (ISO 639-2 ``und``)."""

MetadataValue = str | int | float | bool
"""What a metadata field may hold."""

_MAX_ID_LENGTH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a document's text that lies under one heading or on one page.

    ``start`` and ``end`` count characters (Python's ``len``); ``text[start:end]`` is the stretch.
    ``section`` is the path of headings that leads to it, outermost first; ``page`` counts from 1.
    ``language`` is what the file claims of this stretch where that is another language than the
    document's: evidence that counts where the text itself leaves its language open.
    A chunk never crosses the border of a span, but where two touch that differ in language alone.
    """

    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text in the language it was written in, as a loader hands it to the engine.

    ``id`` is unique in a knowledge base: adding another document with the same id replaces the
    first. ``source`` says where a reader finds the original (a path, a URL) and defaults to the
    id. ``language_hint`` is what the file claims (an HTML ``lang`` attribute), or you say: a
    passage that is not clearly in another language is taken to be in this one. ``spans`` lie in
    order and do not overlap; text outside every span belongs to no section. ``image`` is the
    picture that it is, whose text is what is said of it: a knowledge base with ``images.model``
    keeps its vector and thumbnail, and names it in the metadata (``image_sha256``, which no other
    digest may be named).

    Raises:
        InvalidDocument: an empty id, text that is not Unicode (a lone surrogate), spans out of
            order or out of the text, or metadata that is not a flat mapping of plain values.

    >>> Document(id="faq-1", text="Die Pumpe startet nicht.").source
    'faq-1'
    """

    id: str
    text: str
    title: str = ""
    source: str = ""
    language_hint: str | None = None
    spans: tuple[Span, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    image: DocumentImage | None = None

    def __post_init__(self) -> None:
        """Check everything once, so that no later stage needs to."""
        if not isinstance(self.image, DocumentImage | None):
            raise InvalidDocument(
                f"document {self.id!r:.80}: image is a DocumentImage or None, got "
                f"{type(self.image).__name__}"
            )
        if not isinstance(self.id, str) or not self.id or len(self.id) > _MAX_ID_LENGTH:
            raise InvalidDocument(
                f"a document id is a text of 1 to {_MAX_ID_LENGTH} characters, got {self.id!r:.80}"
            )
        for name in ("id", "text", "title", "source"):
            _check_text(self.id, name, getattr(self, name))
        if self.language_hint is not None:
            _check_text(self.id, "language_hint", self.language_hint)
        if not self.source:
            object.__setattr__(self, "source", self.id)
        position = 0
        for span in self.spans:
            if not position <= span.start <= span.end <= len(self.text):
                raise InvalidDocument(
                    f"document {self.id!r}: span {span.start}..{span.end} is out of order or "
                    f"outside the text of {len(self.text)} characters"
                )
            position = span.end
            for heading in span.section:
                _check_text(self.id, "a heading of a span", heading)
            if span.language is not None:
                _check_text(self.id, "the language of a span", span.language)
        object.__setattr__(self, "metadata", _checked_metadata(self.id, self.metadata))


def _check_text(document_id: str, name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidDocument(
            f"document {document_id!r:.80}: {name} must be a text, got {type(value).__name__}"
        )
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidDocument(
            f"document {document_id!r:.80}: {name} holds a lone surrogate at character "
            f"{error.start}; decode the original with errors='replace'"
        ) from error


def _checked_metadata(
    document_id: str, metadata: Mapping[str, MetadataValue]
) -> Mapping[str, MetadataValue]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float | bool):
            raise InvalidDocument(
                f"document {document_id!r}: metadata maps a text to a text, number or boolean, "
                f"got {key!r}: {type(value).__name__}"
            )
        _check_text(document_id, "a key of metadata", key)
        if isinstance(value, str):
            _check_text(document_id, f"metadata {key!r}", value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InvalidDocument(
                f"document {document_id!r}: metadata {key!r} must fit 64 bits, got {value!r:.40}"
            )
        elif isinstance(value, float) and not -float("inf") < value < float("inf"):
            raise InvalidDocument(
                f"document {document_id!r}: metadata {key!r} must be finite, got {value!r}"
            )
    return MappingProxyType(dict(metadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file, or a row of one, that could not be read, and why. It is reported, never dropped."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a reader should know of how a file was read; nothing is missing because of it.

    ``done`` of ``total`` pages of the file were read when it was written; 0 where none are counted.
    ``unread`` are the names of files in it that nothing here reads: what they gave before stays, as
    it does of such a file in a folder.
    """

    source: str
    text: str
    done: int = 0
    total: int = 0
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage: whole sentences of one document, in (mostly) one language.

    ``document.text[start:end] == text`` always holds. ``language`` is a BCP-47 code or ``und``.
    ``ordinal`` counts the chunks of a document from 0.
    """

    document_id: str
    ordinal: int
    start: int
    end: int
    text: str
    language: str = UNDETERMINED
    section: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said before a question: ``role`` is who said it.

    >>> Message("user", "How long does the warranty last?").role
    'user'
    """

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreParts:
    """Why a hit stands where it stands.

    ``dense`` is the cosine of query and passage after language centring, ``dense_plain`` the
    cosine before it. ``lexical`` is the share (0 to 1) of the query's term weight that the
    passage covers, and ``matched_terms`` are the terms that it covers. ``late`` is how much
    better the query's tokens match the passage's than they would by chance, ``rerank`` the
    reranker's own score; both are None where none ran. ``rerank_failure`` tells why a reranker that
    was asked gave none. ``rank_before_rerank`` counts from 1. ``follow_up`` is how likely the
    question goes on with what was talked about before it, 0 to 1; None where nothing was, or where
    a mode without probabilities was searched. ``translations`` are those of the question, made by a
    language model, that were searched beside it; ``translation_failures`` tell of each that was
    wanted why there is none. ``answerable`` is the probability, 0 to 1, that any passage answers
    the question: the same for all hits of a search, None in the other modes than ``hybrid`` and
    where an embedder of which nothing is known meets fewer than 20 passages. ``image`` is how
    probable the passage's picture is to show what is asked for; None where none was looked at.
    """

    dense: float
    dense_plain: float
    lexical: float
    matched_terms: tuple[str, ...] = ()
    late: float | None = None
    rerank: float | None = None
    rerank_failure: str | None = None
    rank_before_rerank: int = 0
    follow_up: float | None = None
    translations: tuple[str, ...] = ()
    translation_failures: tuple[str, ...] = ()
    answerable: float | None = None
    image: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A passage that says the same as a hit in another language."""

    chunk_id: int
    chunk: Chunk
    title: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One passage that a search found; ``rank`` counts from 1.

    ``score`` is the probability, 0 to 1, that the passage answers the question, whatever the
    languages of both (in the mode ``hybrid``, the default). ``twins`` are the passages that say
    the same in other languages. ``knowledge_base`` is the folder of the one that holds it, where
    several were asked (``Federation``).
    """

    rank: int
    score: float
    chunk_id: int
    chunk: Chunk
    title: str
    source: str
    metadata: Mapping[str, MetadataValue]
    query_language: str
    parts: ScoreParts
    twins: tuple[Twin, ...] = ()
    knowledge_base: str | None = None

    @property
    def image(self) -> str | None:
        """The picture that the passage is of, by its SHA-256; ``KnowledgeBase.thumbnail`` has it.

        None where it is of none.
        """
        return image_of(self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A source that an answer names as ``[number]``; numbers count from 1.

    ``knowledge_base`` is as in ``Hit``.
    """

    number: int
    chunk_id: int
    document_id: str
    source: str
    title: str
    language: str
    page: int | None
    text: str
    knowledge_base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with the sources that it cites.

    ``supported`` is False when the knowledge base does not hold an answer; ``text`` then says so,
    in the asker's language, and ``hits`` are the nearest passages. ``answerable`` is the
    probability, 0 to 1, that any passage answers the question (None in the other modes than
    ``hybrid``); below what the strictness asks for nothing is answered. ``language`` is the one
    that ``text`` is in. ``warnings`` says what a reader should know, such as a citation that
    pointed nowhere and was removed. ``draft`` is what the generator wrote, with nothing checked:
    not for readers. ``rewritten`` is the question as a language model wrote it to be understood
    without the conversation before it, and as it was answered; None where it was asked as it is.
    ``translations`` are those of that question, made by a language model, that were searched too.
    """

    text: str
    language: str
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    generator: str
    supported: bool
    warnings: tuple[str, ...] = ()
    draft: str = ""
    rewritten: str | None = None
    translations: tuple[str, ...] = ()
    answerable: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddReport:
    """What was added: by ``add`` in documents, by ``add_files`` in files and their documents.

    ``added``, ``updated``, ``unchanged`` and ``deleted`` count documents, ``chunks`` the chunks
    written. Reports can be added up; one shows what is not zero or empty.

    >>> AddReport(added=2, chunks=5) + AddReport(added=1, chunks=2, files=1)
    AddReport(added=3, chunks=7, files=1)
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    """Documents that a changed file holds no more, or whose file is gone."""
    chunks: int = 0
    empty: tuple[str, ...] = ()
    """Ids of documents without any text: stored, but no question will find them."""
    files: int = 0
    """Files found, whatever became of them."""
    unchanged_files: int = 0
    """Files that were indexed as they are before, and not read again."""
    skipped: tuple[Problem, ...] = ()
    """Files of a folder, of a kind that no loader reads; one that was named is a problem."""
    problems: tuple[Problem, ...] = ()
    """Files and rows that could not be read."""
    notes: tuple[Note, ...] = ()
    """How files were read, where that matters: a page by OCR, and how surely."""

    def __add__(self, other: AddReport) -> AddReport:
        """Add up what two batches did."""
        return AddReport(
            added=self.added + other.added,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            deleted=self.deleted + other.deleted,
            chunks=self.chunks + other.chunks,
            empty=self.empty + other.empty,
            files=self.files + other.files,
            unchanged_files=self.unchanged_files + other.unchanged_files,
            skipped=self.skipped + other.skipped,
            problems=self.problems + other.problems,
            notes=self.notes + other.notes,
        )

    def __repr__(self) -> str:
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return f"AddReport({', '.join(f'{name}={value!r}' for name, value in values if value)})"
