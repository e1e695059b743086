"""The JSON of what the engine returns: one shape, whoever sends it.

``rag-engine search --json`` and ``ask --json``, ``POST /v1/search`` and ``/v1/ask``, the tools of
the MCP server and the metadata of LangChain's documents are all made from these models, and a
model is made from a record: ``HitOut.of(hit)``. The text under a field is its documentation, in
the OpenAPI document and in MCP's schemas too. What one view alone shows, such as the sentences
that HTTP marks as evidence, stands beside these models, never inside.

>>> from rag_engine.records import Chunk
>>> chunk = Chunk(document_id="pump", ordinal=0, start=7, end=23, text="Jährlich prüfen.",
...               language="de", section=("Pumpe", "Wartung"), page=3)
>>> hit = Hit(rank=1, score=0.91234567, chunk_id=1, chunk=chunk, title="", source="pump.pdf",
...           metadata={"year": 2024}, query_language="en",
...           parts=ScoreParts(dense=0.4, dense_plain=0.8, lexical=0.0, rank_before_rerank=1))
>>> print(SearchReply.of("How often is it checked?", [hit]).model_dump_json(indent=1))
{
 "question": "How often is it checked?",
 "language": "en",
 "hits": [
  {
   "rank": 1,
   "score": 0.912346,
   "document": "pump",
   "source": "pump.pdf",
   "title": "",
   "language": "de",
   "direction": "ltr",
   "page": 3,
   "text": "Jährlich prüfen.",
   "section": [
    "Pumpe",
    "Wartung"
   ],
   "start": 7,
   "end": 23,
   "metadata": {
    "year": 2024
   },
   "parts": {
    "dense": 0.4,
    "dense_plain": 0.8,
    "lexical": 0.0,
    "matched_terms": [],
    "late": null,
    "rerank": null,
    "rerank_failure": null,
    "rank_before_rerank": 1,
    "follow_up": null,
    "translations": [],
    "translation_failures": [],
    "answerable": null,
    "image": null
   },
   "image": null,
   "twins": []
  }
 ]
}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

from rag_engine.records import (
    Answer,
    Citation,
    Document,
    Hit,
    MetadataValue,
    ScoreParts,
    Span,
    Twin,
)
from rag_engine.text.direction import Direction, direction

__all__ = [
    "AskReply",
    "CitationOut",
    "DocumentOut",
    "HitOut",
    "Out",
    "PartsOut",
    "PassageOut",
    "ProblemOut",
    "Score",
    "SearchReply",
    "SpanOut",
]

Score = Annotated[float, AfterValidator(lambda value: round(value, 6))]
"""A number that the engine computed: six places say all that it knows."""


class Out(BaseModel):
    """Something that is sent; it is frozen, and the text under a field describes it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class _Text(Out):
    """A text with the document that it stands in."""

    document: str
    """The document's id; the MCP tool ``fetch`` and ``GET /v1/documents/`` give the whole one.
    Filters call it ``document_id``."""
    source: str
    """Where a reader finds the original: a file or an address."""
    title: str
    """The document's title; empty where it has none."""
    language: str
    """The language of ``text`` (BCP-47), or ``und``."""
    direction: Direction
    """Which way most of the letters of ``text`` run: ``ltr`` or ``rtl``."""
    page: int | None
    """The page, from 1; null in documents without pages."""
    text: str
    """The words themselves."""


class PassageOut(_Text):
    """A passage; as a twin, one that says the same as a hit in another language."""

    section: list[str]
    """The headings above the passage, outermost first."""
    start: int
    """Where it begins in the document's text, in characters (Unicode code points)."""
    end: int
    """Where it ends: ``text`` is what stands from ``start`` to ``end``."""


class PartsOut(Out):
    """Why a hit stands where it stands."""

    dense: Score
    """The cosine of question and passage, freed from what is owed to their languages alone."""
    dense_plain: Score
    """The cosine as the model gives it."""
    lexical: Score
    """The share, 0 to 1, of the weight of the question's terms that the passage covers."""
    matched_terms: list[str]
    """The terms that it covers, as the index keeps them."""
    late: Score | None
    """How much better the tokens match than by chance; null where they were not compared."""
    rerank: float | None
    """The reranker's own score, as it gave it; null where none ran."""
    rerank_failure: str | None
    """Why the reranker gave no score; null where it did, and where there is none."""
    rank_before_rerank: int
    """The rank without the reranker, from 1."""
    follow_up: Score | None
    """How likely the question goes on with the conversation before it, 0 to 1; null where there
    was none."""
    translations: list[str]
    """Translations of the question by a language model, which were searched beside it."""
    translation_failures: list[str]
    """Why there is none, of each that was wanted."""
    answerable: Score | None
    """The probability, 0 to 1, that any passage here answers the question: the same for all hits;
    null in the other modes than ``hybrid``."""
    image: Score | None
    """How probable the passage's picture is to show what is asked for, 0 to 1; null where none was
    looked at."""

    @classmethod
    def of(cls, parts: ScoreParts) -> Self:
        """Return the parts of a score."""
        return cls.model_validate(parts, from_attributes=True)


class _Ranked(Out):
    rank: int
    """The place among the hits, from 1."""
    score: Score
    """The probability, 0 to 1, that the passage answers the question (in the mode ``hybrid``)."""


class HitOut(PassageOut, _Ranked):
    """A passage that a search found."""

    metadata: dict[str, MetadataValue]
    """The document's own fields, such as its format."""
    parts: PartsOut
    """Why it stands where it stands."""
    image: str | None
    """The picture that the passage is: ``GET /v1/images/`` and this gives its thumbnail. Null for
    texts."""
    twins: list[PassageOut]
    """The passages that say the same in other languages."""

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """Return a hit."""
        return cls.model_validate(
            {
                **_passage(hit),
                "rank": hit.rank,
                "score": hit.score,
                "metadata": dict(hit.metadata),
                "parts": PartsOut.of(hit.parts),
                "image": hit.image,
                "twins": [_passage(twin) for twin in hit.twins],
            }
        )


def _passage(record: Hit | Twin) -> dict[str, Any]:
    chunk = record.chunk
    return {
        "document": chunk.document_id,
        "source": record.source,
        "title": record.title,
        "language": chunk.language,
        "direction": direction(chunk.text, chunk.language),
        "page": chunk.page,
        "text": chunk.text,
        "section": list(chunk.section),
        "start": chunk.start,
        "end": chunk.end,
    }


class SearchReply(Out):
    """The passages that answer a question best, best first."""

    question: str
    """The question as it was asked."""
    language: str | None
    """The question's language (BCP-47); null if nothing was found."""
    hits: list[HitOut]
    """The passages; none where the knowledge base holds nothing about it."""

    @classmethod
    def of(cls, question: str, hits: Sequence[Hit]) -> Self:
        """Return what a search found."""
        return cls(
            question=question,
            language=hits[0].query_language if hits else None,
            hits=[HitOut.of(hit) for hit in hits],
        )


class _Numbered(Out):
    number: int
    """The number by which the answer names it, as ``[1]``; from 1."""


class CitationOut(_Text, _Numbered):
    """A source that an answer names as ``[number]``; ``text`` is what was read of it."""

    @classmethod
    def of(cls, citation: Citation) -> Self:
        """Return a citation."""
        return cls(
            number=citation.number,
            document=citation.document_id,
            source=citation.source,
            title=citation.title,
            language=citation.language,
            direction=direction(citation.text, citation.language),
            page=citation.page,
            text=citation.text,
        )


class AskReply(Out):
    """An answer with its sources."""

    question: str
    """The question as it was asked."""
    answer: str
    """The answer; it names its sources as ``[1]``, and these marks were checked."""
    language: str
    """The language of ``answer`` (BCP-47)."""
    direction: Direction
    """Which way most of its letters run: ``ltr`` or ``rtl``."""
    supported: bool
    """False: the knowledge base does not hold an answer, and ``answer`` says so."""
    answerable: Score | None
    """The probability, 0 to 1, that any passage here answers the question; null in the other modes
    than ``hybrid``."""
    generator: str
    """What wrote it."""
    warnings: list[str]
    """What a reader should know, such as a mark that pointed nowhere and was removed."""
    citations: list[CitationOut]
    """The sources that it names, by number."""
    hits: list[HitOut]
    """The passages that were read, whether the answer names them or not; where it is not
    ``supported``, the nearest ones."""
    rewritten: str | None
    """The question as a language model wrote it to be understood without the conversation before
    it, and as it was searched; null where it was asked as it is."""
    translations: list[str]
    """Translations of the question by a language model, which were searched beside it."""

    @classmethod
    def of(cls, question: str, answer: Answer) -> Self:
        """Return the answer to a question."""
        return cls(
            question=question,
            answer=answer.text,
            language=answer.language,
            direction=direction(answer.text, answer.language),
            supported=answer.supported,
            answerable=answer.answerable,
            generator=answer.generator,
            warnings=list(answer.warnings),
            citations=[CitationOut.of(citation) for citation in answer.citations],
            hits=[HitOut.of(hit) for hit in answer.hits],
            rewritten=answer.rewritten,
            translations=list(answer.translations),
        )


class SpanOut(Out):
    """A stretch of a document's text that lies under one heading or on one page."""

    start: int
    """Where it begins in the document's text, in characters."""
    end: int
    """Where it ends."""
    section: list[str]
    """The headings above it, outermost first."""
    page: int | None
    """The page, from 1; null where there is none."""
    language: str | None
    """What the file says of its language; null where it says nothing else than of the document."""

    @classmethod
    def of(cls, span: Span) -> Self:
        """Return a stretch."""
        return cls.model_validate(span, from_attributes=True)


class DocumentOut(Out):
    """A document as it was added."""

    id: str
    """The id that hits and citations name as ``document``."""
    source: str
    """Where a reader finds the original: a file or an address."""
    title: str
    """Its title; empty where it has none."""
    language_hint: str | None
    """The language that it was said to be in; each passage has the one that was found."""
    direction: Direction
    """Which way most of its letters run: ``ltr`` or ``rtl``."""
    text: str
    """The whole text."""
    spans: list[SpanOut]
    """What lies under which heading and on which page, in order."""
    metadata: dict[str, MetadataValue]
    """Its own fields, such as its format."""

    @classmethod
    def of(cls, document: Document) -> DocumentOut:
        """Return a document."""
        return DocumentOut(
            id=document.id,
            source=document.source,
            title=document.title,
            language_hint=document.language_hint,
            direction=direction(document.text, document.language_hint or ""),
            text=document.text,
            spans=[SpanOut.of(span) for span in document.spans],
            metadata=dict(document.metadata),
        )


class ProblemOut(Out):
    """What could not be read."""

    source: str
    """The file, or the row of one."""
    reason: str
    """Why."""
