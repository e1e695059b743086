"""What the MCP tools return: typed, so that a client knows the shape before it calls."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.records import Answer, Citation, Document, Hit, MetadataValue

__all__ = ["AskResult", "CitedSource", "FetchResult", "OtherLanguage", "Passage", "SearchResult"]

_MAX_PASSAGE = 4_000
"""Characters of a passage that are shown; ``fetch`` gives the rest."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OtherLanguage(_Result):
    """A passage that says the same in another language."""

    id: str = Field(description="The document's id, for `fetch`.")
    language: str


class Passage(_Result):
    """A passage that a search found."""

    id: str = Field(description="The id of the document that it stands in, for `fetch`.")
    title: str
    source: str = Field(description="The file or address that the document came from.")
    language: str = Field(description="BCP-47, or 'und'.")
    section: list[str] = Field(description="Headings above the passage, outermost first.")
    page: int | None = Field(description="The page, counted from 1, in documents that have pages.")
    start: int = Field(description="Where it begins in the document's text, in characters.")
    end: int = Field(description="Where it ends.")
    score: float = Field(description="The probability, 0 to 1, that it answers the question.")
    text: str
    cut: bool = Field(description="Whether `text` is only the beginning of the passage.")
    also_in: list[OtherLanguage] = Field(description="The same passage in other languages.")

    @classmethod
    def of(cls, hit: Hit) -> Passage:
        """Show a hit."""
        chunk = hit.chunk
        return cls(
            id=chunk.document_id,
            title=hit.title,
            source=hit.source,
            language=chunk.language,
            section=list(chunk.section),
            page=chunk.page,
            start=chunk.start,
            end=chunk.end,
            score=round(hit.score, 4),
            text=chunk.text[:_MAX_PASSAGE],
            cut=len(chunk.text) > _MAX_PASSAGE,
            also_in=[
                OtherLanguage(id=twin.chunk.document_id, language=twin.chunk.language)
                for twin in hit.twins
            ],
        )


class SearchResult(_Result):
    """Passages, best first; none where the knowledge base holds nothing."""

    results: list[Passage]


class CitedSource(_Result):
    """A source that an answer cites as `[number]`."""

    number: int
    id: str = Field(description="The document's id, for `fetch`.")
    title: str
    source: str
    language: str
    page: int | None
    text: str = Field(description="What was read of it.")

    @classmethod
    def of(cls, cited: Citation) -> CitedSource:
        """Show a citation."""
        return cls(
            number=cited.number,
            id=cited.document_id,
            title=cited.title,
            source=cited.source,
            language=cited.language,
            page=cited.page,
            text=cited.text[:_MAX_PASSAGE],
        )


class AskResult(_Result):
    """An answer whose citations were checked."""

    answer: str
    supported: bool = Field(description="False: the knowledge base does not hold an answer.")
    language: str = Field(description="The language of `answer`, BCP-47.")
    generator: str = Field(description="What wrote it.")
    citations: list[CitedSource]
    warnings: list[str]

    @classmethod
    def of(cls, answer: Answer) -> AskResult:
        """Show an answer."""
        return cls(
            answer=answer.text,
            supported=answer.supported,
            language=answer.language,
            generator=answer.generator,
            citations=[CitedSource.of(each) for each in answer.citations],
            warnings=list(answer.warnings),
        )


class FetchResult(_Result):
    """A document, or a stretch of it."""

    id: str
    title: str
    source: str
    text: str = Field(description="Characters `start` to `end` of the document.")
    start: int
    end: int
    length: int = Field(description="How many characters the whole document has.")
    next_start: int | None = Field(description="The `start` of what follows; null at the end.")
    metadata: dict[str, str | int | float | bool]

    @classmethod
    def of(cls, document: Document, start: int, length: int) -> FetchResult:
        """Show ``length`` characters of a document from ``start`` on."""
        start = min(start, len(document.text))
        end = min(start + length, len(document.text))
        metadata: dict[str, MetadataValue] = dict(document.metadata)
        return cls(
            id=document.id,
            title=document.title,
            source=document.source,
            text=document.text[start:end],
            start=start,
            end=end,
            length=len(document.text),
            next_start=end if end < len(document.text) else None,
            metadata=metadata,
        )
