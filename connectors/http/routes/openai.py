"""OpenAI's protocol for chats: existing clients work when their base URL points here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import ApiError, stream_failure
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.middleware import request_id_of
from rag_engine.connectors.http.openai_schemas import (
    ChatChoice,
    ChatMessageOut,
    ChatReply,
    ChatRequest,
    Usage,
)
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.safe_streaming import Draft
from rag_engine.connectors.http.stream_responses import stream_response
from rag_engine.connectors.http.streams import EventStream, sse
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.records import Answer, Message
from rag_engine.serialisation import CitationOut

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])

CHAT_MODEL = "rag-engine"


@router.post(
    "/chat/completions", response_model=ChatReply, summary="Answer the last message of a chat"
)
async def chat(body: ChatRequest, tenant: Reader, service: ServiceOf, request: Request) -> Response:
    """Answer from the knowledge base, whatever model is asked for.

    The user's last message is the question; what the user and the assistant said before tells what
    it leaves out or refers to. Messages of the system and of tools are not read. The answer names
    its sources as ``[1]`` and lists them at its end; ``citations`` hold them as data.
    """
    question, history = body.conversation()
    if not question.strip():
        raise ApiError(422, "invalid_request", "the chat holds no text of a user", param="messages")
    chatting = _Chat(question, history, body, tenant)
    if not body.stream:
        return await answered(service, request, tenant.name, Kind.ASK, chatting.reply)
    stream = EventStream()
    request_id = request_id_of(request.scope)
    return await stream_response(
        service,
        request,
        tenant.name,
        stream,
        lambda: chatting.write(stream),
        failed=lambda error: sse(stream_failure(error, request_id)),
        last=sse("[DONE]"),
    )


class _Chat:
    """One question and its answer in the shape of a chat."""

    def __init__(
        self, question: str, history: Sequence[Message], body: ChatRequest, tenant: Tenant
    ) -> None:
        self._question = question
        self._history = history
        self._body = body
        self._tenant = tenant
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time())}

    def _ask(self, draft: Draft | None = None, stream: EventStream | None = None) -> Answer:
        def show(piece: str) -> None:
            assert draft is not None
            assert stream is not None
            if text := draft.add(piece):
                stream.put(self._event({"content": text}))

        return self._tenant.kb.ask(
            self._question,
            history=self._history,
            where=self._body.filter(),
            language=self._body.language,
            answer_language=self._body.answer_language,
            k=self._body.k,
            min_score=self._body.min_score,
            strictness=self._body.strictness,
            on_text=show if stream is not None else None,
        )

    def reply(self) -> Response:
        """Return the whole answer."""
        answer = self._ask()
        citations = [CitationOut.of(citation) for citation in answer.citations]
        text = answer.text + source_list(citations)
        message = _message(text, citations, answer)
        return json_response(
            ChatReply.model_validate(
                {
                    **self._head,
                    "model": CHAT_MODEL,
                    "choices": [ChatChoice(message=message)],
                    "usage": self._usage(text),
                }
            )
        )

    def write(self, stream: EventStream) -> None:
        """Write the answer piece by piece."""
        draft = Draft()
        stream.put(self._event({"role": "assistant", "content": ""}))
        answer = self._ask(draft, stream)
        citations = [CitationOut.of(citation) for citation in answer.citations]
        rest = draft.rest(answer.text) + source_list(citations)
        if rest:
            stream.put(self._event({"content": rest}))
        told = _message("", citations, answer).model_dump(exclude={"role", "content"})
        stream.put(self._event(told, finish="stop"))
        options = self._body.stream_options
        if options is not None and options.include_usage:
            usage = self._usage(answer.text + source_list(citations)).model_dump()
            stream.put(sse({**self._event_head(), "choices": [], "usage": usage}))

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({**self._event_head(), "choices": [choice]})

    def _event_head(self) -> dict[str, Any]:
        return {**self._head, "object": "chat.completion.chunk", "model": CHAT_MODEL}

    def _usage(self, text: str) -> Usage:
        prompt, completion = self._tenant.embedder.count_tokens([self._question, text])
        return Usage(
            prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
        )


def _message(text: str, citations: list[CitationOut], answer: Answer) -> ChatMessageOut:
    return ChatMessageOut(
        content=text,
        citations=citations,
        rewritten=answer.rewritten,
        translations=list(answer.translations),
        supported=answer.supported,
        answerable=answer.answerable,
    )


def source_list(citations: list[CitationOut]) -> str:
    """Return the sources as lines of text, for clients that show nothing else.

    >>> source_list([])
    ''
    """
    lines = [
        f"[{citation.number}] {citation.source}"
        + (f", p. {citation.page}" if citation.page else "")
        for citation in citations
    ]
    return "\n\n" + "\n".join(lines) if lines else ""
