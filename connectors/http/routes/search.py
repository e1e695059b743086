"""Searching and asking."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf
from rag_engine.connectors.http.evidence import nearest_sentences
from rag_engine.connectors.http.middleware import request_id_of
from rag_engine.connectors.http.question_filter import filter_of, stream_failure
from rag_engine.connectors.http.safe_streaming import Draft
from rag_engine.connectors.http.schemas import AskReply, AskRequest, SearchReply, SearchRequest
from rag_engine.connectors.http.serialisation import answer_out, hit_out, json_bytes, json_response
from rag_engine.connectors.http.streams import EventStream, sse, stream_response
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.records import Answer, Hit

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["search"])


def _evidence(
    asked: SearchRequest | AskRequest, hits: Sequence[Hit], tenant: Tenant
) -> dict[int, list[tuple[int, int]]]:
    if not asked.evidence:
        return {}
    return nearest_sentences(asked.question, hits, tenant.embedder)


@router.post("/search", response_model=SearchReply, summary="Find passages")
async def search(asked: SearchRequest, tenant: Reader, service: ServiceOf) -> Response:
    """Return the passages that answer a question best, whatever language they are in."""

    def work() -> Response:
        hits = tenant.kb.search(
            asked.question,
            k=asked.k,
            where=filter_of(asked.where, asked.languages),
            language=asked.language,
            min_score=asked.min_score,
        )
        evidence = _evidence(asked, hits, tenant)
        return json_response(
            SearchReply(
                question=asked.question,
                language=hits[0].query_language if hits else None,
                hits=[hit_out(hit, evidence.get(hit.chunk_id, ())) for hit in hits],
            )
        )

    return await service.searching.run(tenant.name, work)


@router.post(
    "/ask",
    response_model=AskReply,
    summary="Answer a question",
    responses={
        200: {
            "description": 'The answer; with `stream` events `text` (`{"text"}`: a piece, not '
            "yet checked), then one `answer` (the whole answer, its citations checked) or `error`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def ask(asked: AskRequest, tenant: Reader, service: ServiceOf, request: Request) -> Response:
    """Answer a question from the knowledge base, with checked citations."""

    def reply(answer: Answer) -> AskReply:
        evidence = _evidence(asked, answer.hits, tenant)
        return answer_out(asked.question, answer, lambda hit: evidence.get(hit.chunk_id, ()))

    if not asked.stream:

        def work() -> Response:
            answer = tenant.kb.ask(
                asked.question,
                where=filter_of(asked.where, asked.languages),
                language=asked.language,
                answer_language=asked.answer_language,
            )
            return json_response(reply(answer))

        return await service.answering.run(tenant.name, work)

    stream = EventStream()

    draft = Draft()

    def show(piece: str) -> None:
        if text := draft.add(piece):
            stream.put(sse({"text": text}, "text"))

    def write() -> None:
        answer = tenant.kb.ask(
            asked.question,
            where=filter_of(asked.where, asked.languages),
            language=asked.language,
            answer_language=asked.answer_language,
            on_text=show,
        )
        stream.put(sse(json_bytes(reply(answer)).decode("utf-8"), "answer"))

    stream.start(service.answering, tenant.name, write)
    request_id = request_id_of(request.scope)
    return await stream_response(
        stream,
        bytes,
        failed=lambda error: sse(stream_failure(error, request_id), "error"),
        pause_s=service.limits.keep_alive_s,
    )
