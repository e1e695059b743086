"""Searching and asking."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import stream_failure
from rag_engine.connectors.http.evidence import nearest_sentences
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.middleware import request_id_of
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.safe_streaming import Draft
from rag_engine.connectors.http.schemas import (
    AskReplyWithEvidence,
    AskRequest,
    SearchReplyWithEvidence,
    SearchRequest,
)
from rag_engine.connectors.http.stream_responses import stream_response
from rag_engine.connectors.http.streams import EventStream, sse
from rag_engine.serialisation import AskReply, SearchReply

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["search"])


@router.post(
    "/search", response_model=SearchReply | SearchReplyWithEvidence, summary="Find passages"
)
async def search(
    body: SearchRequest, tenant: Reader, service: ServiceOf, request: Request
) -> Response:
    """Return the passages that answer a question best, whatever language they are in."""
    kb = tenant.kb
    find, units = partial(kb.search, body.question), 1.0 + len(body.also)
    if kb.languages_to_translate(body.question, also=body.also, language=body.language):
        translate = partial(kb.translate, body.question, also=body.also, language=body.language)
        translations = await answered(service, request, tenant.name, Kind.TRANSLATE, translate)
        find = partial(kb.search_translated, body.question, translations)
        units += len(translations.texts)

    def work() -> Response:
        hits = find(
            also=body.also,
            history=body.messages(),
            k=body.k,
            where=body.filter(),
            language=body.language,
            min_score=body.min_score,
            instruction=body.instruction,
        )
        reply = SearchReply.of(body.question, hits)
        if body.evidence:
            evidence = nearest_sentences(body.question, hits, tenant.embedder)
            reply = SearchReplyWithEvidence(**dict(reply), evidence=evidence)
        return json_response(reply)

    return await answered(service, request, tenant.name, Kind.SEARCH, work, units=units)


@router.post(
    "/ask",
    response_model=AskReply | AskReplyWithEvidence,
    summary="Answer a question",
    responses={
        200: {
            "description": 'The answer; with `stream` events `text` (`{"text"}`: a piece, not '
            "yet checked), then one `answer` (the whole answer, its citations checked) or `error`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def ask(body: AskRequest, tenant: Reader, service: ServiceOf, request: Request) -> Response:
    """Answer a question from the knowledge base, with checked citations."""

    def reply(on_text: Callable[[str], None] | None = None) -> AskReply:
        answer = tenant.kb.ask(
            body.question,
            also=body.also,
            history=body.messages(),
            where=body.filter(),
            language=body.language,
            answer_language=body.answer_language,
            k=body.k,
            min_score=body.min_score,
            strictness=body.strictness,
            instruction=body.instruction,
            on_text=on_text,
        )
        plain = AskReply.of(body.question, answer)
        if not body.evidence:
            return plain
        evidence = nearest_sentences(body.question, answer.hits, tenant.embedder)
        return AskReplyWithEvidence(**dict(plain), evidence=evidence)

    if not body.stream:
        return await answered(
            service, request, tenant.name, Kind.ASK, lambda: json_response(reply())
        )

    stream = EventStream()
    draft = Draft()

    def show(piece: str) -> None:
        if text := draft.add(piece):
            stream.put(sse({"text": text}, "text"))

    def write() -> None:
        stream.put(sse(reply(show), "answer"))

    request_id = request_id_of(request.scope)
    return await stream_response(
        service,
        request,
        tenant.name,
        stream,
        write,
        failed=lambda error: sse(stream_failure(error, request_id), "error"),
    )
