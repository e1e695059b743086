"""From the engine's records to what is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi.responses import Response
from pydantic import BaseModel

from rag_engine.connectors.http.direction import direction
from rag_engine.connectors.http.schemas import (
    AskReply,
    CitationOut,
    DocumentOut,
    EvidenceOut,
    HitOut,
    KnowledgeBaseReply,
    LanguageOut,
    PartsOut,
    SpanIO,
    TwinOut,
)
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.ports import Embedder
from rag_engine.records import Answer, Chunk, Citation, Document, Hit

__all__ = [
    "answer_out",
    "citation_out",
    "document_out",
    "hit_out",
    "json_bytes",
    "json_response",
    "knowledge_base_out",
    "model_name",
]

Evidence = Callable[[Hit], Sequence[tuple[int, int]]]
"""Tells which stretches of a hit's passage speak for it."""


def json_bytes(model: BaseModel) -> bytes:
    """Return a model as JSON."""
    return model.model_dump_json().encode("utf-8")


def json_response(model: BaseModel, status: int = 200) -> Response:
    """Return a model as a response; made by a worker, it costs the event loop nothing."""
    return Response(json_bytes(model), status_code=status, media_type="application/json")


def _place(chunk: Chunk) -> dict[str, object]:
    return {
        "document": chunk.document_id,
        "language": chunk.language,
        "direction": direction(chunk.text, chunk.language),
        "section": list(chunk.section),
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
    }


def hit_out(hit: Hit, evidence: Sequence[tuple[int, int]]) -> HitOut:
    """Return a hit with its evidence."""
    parts = hit.parts
    return HitOut.model_validate(
        {
            **_place(hit.chunk),
            "rank": hit.rank,
            "score": round(hit.score, 6),
            "source": hit.source,
            "title": hit.title,
            "evidence": [EvidenceOut(start=start, end=end) for start, end in evidence],
            "metadata": dict(hit.metadata),
            "parts": PartsOut(
                dense=round(parts.dense, 6),
                dense_plain=round(parts.dense_plain, 6),
                lexical=round(parts.lexical, 6),
                matched_terms=list(parts.matched_terms),
                late=None if parts.late is None else round(parts.late, 6),
                rerank=parts.rerank,
                rank_before_rerank=parts.rank_before_rerank,
            ),
            "twins": [
                TwinOut.model_validate(
                    {**_place(twin.chunk), "source": twin.source, "title": twin.title}
                )
                for twin in hit.twins
            ],
        }
    )


def citation_out(citation: Citation) -> CitationOut:
    """Return a citation."""
    return CitationOut(
        number=citation.number,
        document=citation.document_id,
        source=citation.source,
        title=citation.title,
        language=citation.language,
        direction=direction(citation.text, citation.language),
        page=citation.page,
        text=citation.text,
    )


def answer_out(question: str, answer: Answer, evidence: Evidence) -> AskReply:
    """Return an answer."""
    return AskReply(
        question=question,
        answer=answer.text,
        language=answer.language,
        direction=direction(answer.text, answer.language),
        supported=answer.supported,
        generator=answer.generator,
        warnings=list(answer.warnings),
        citations=[citation_out(each) for each in answer.citations],
        hits=[hit_out(hit, evidence(hit)) for hit in answer.hits],
    )


def document_out(document: Document) -> DocumentOut:
    """Return a document."""
    return DocumentOut(
        id=document.id,
        text=document.text,
        title=document.title,
        source=document.source,
        direction=direction(document.text, document.language_hint or ""),
        language_hint=document.language_hint,
        spans=[
            SpanIO(start=each.start, end=each.end, section=list(each.section), page=each.page)
            for each in document.spans
        ],
        metadata=dict(document.metadata),
    )


def model_name(embedder: Embedder) -> str:
    """Return an embedder's name; of one that lies in a folder, the folder's own."""
    name = embedder.contract.model
    return Path(name).name if Path(name).is_absolute() else name


def knowledge_base_out(tenant: Tenant, role: str) -> KnowledgeBaseReply:
    """Return what a knowledge base holds; nothing of the machine that it lies on."""
    found = tenant.kb.inspect()
    total = max(1, found.chunks)
    settings = tenant.kb.settings
    return KnowledgeBaseReply(
        documents=found.documents,
        chunks=found.chunks,
        sources=found.sources,
        languages=[
            LanguageOut(
                language=language,
                chunks=count,
                share=round(count / total, 6),
                direction=direction("", language),
            )
            for language, count in sorted(
                found.languages.items(), key=lambda each: (-each[1], each[0])
            )
        ],
        bytes=sum(found.bytes.values()),
        published=found.published,
        generation=found.generation,
        dense=found.dense,
        lexical=found.lexical,
        model=model_name(tenant.embedder),
        generator=settings.generator.name,
        mode=settings.retrieval.mode,
        read_only=tenant.read_only,
        role=role,
    )
