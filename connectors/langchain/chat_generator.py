"""Answers from any LangChain chat model."""

from __future__ import annotations

from collections.abc import Iterator

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage

from rag_engine.connectors.langchain.failures import service_errors
from rag_engine.errors import InvalidInput, ServiceRefused, ServiceUnreachable
from rag_engine.ports import Prompt

__all__ = ["ChatModelGenerator"]

_CUT_SHORT = " […]"
"""Ends an answer that reached the model's longest, so that nobody takes it for whole."""
_REASONS = ("finish_reason", "stop_reason", "done_reason")
"""Where providers say why an answer ended."""
_ALWAYS_TELL = frozenset({"openai"})
"""Providers that always say why: without a reason the answer broke off."""


class ChatModelGenerator:
    """A ``Generator`` that streams from a LangChain chat model.

    Time-outs, retries and sampling are the model's own. ``name`` is what a reader is told wrote
    the answer; without one it is the name that the model was made with.

    Raises:
        InvalidInput: ``model`` is no chat model.

    Example::

        from langchain_openai import ChatOpenAI
        model = ChatOpenAI(base_url="http://localhost:8080/v1", model="my-model", api_key="-")
        with KnowledgeBase.open("kb", generator=ChatModelGenerator(model)) as kb:
            print(kb.ask("How long is the warranty?").text)
    """

    def __init__(self, model: BaseChatModel, *, name: str = "") -> None:
        if not isinstance(model, BaseChatModel):
            raise InvalidInput(f"expected a LangChain chat model, got {type(model).__name__}")
        self._model = model
        self._name = name or _model_name(model)

    def __repr__(self) -> str:
        return f"ChatModelGenerator({self._name!r})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def quotes(self) -> bool:
        """It writes in its own words, in the language that it is asked for."""
        return False

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield the answer piece by piece.

        An answer that the model ended at its longest ends with ``[…]``.

        Raises:
            ServiceError: one of its kinds. What was yielded before is then not the whole answer.
        """
        reason = provider = ""
        for piece in self._pieces(prompt):
            provider = provider or str(piece.response_metadata.get("model_provider", ""))
            reason = reason or _reason(piece)
            if text := str(piece.text):
                yield text
        if reason == "content_filter":
            raise ServiceRefused(
                f"the service's content filter stopped the answer of {self._name!r}", status=200
            )
        if not reason and provider in _ALWAYS_TELL:
            raise ServiceUnreachable(
                f"the connection to {self._name!r} was closed before the answer's end; ask again"
            )
        if reason in {"length", "max_tokens"}:
            yield _CUT_SHORT

    def _pieces(self, prompt: Prompt) -> Iterator[AIMessage | AIMessageChunk]:
        pieces = iter(self._model.stream([SystemMessage(prompt.system), HumanMessage(prompt.user)]))
        try:
            while True:
                # What a reader of the pieces raises is no failure of the model: it is not in here.
                with service_errors(self._model, self._name):
                    piece = next(pieces, None)
                if piece is None:
                    return
                yield piece
        finally:
            if hasattr(pieces, "close"):
                pieces.close()


def _reason(piece: AIMessage) -> str:
    """Return why the answer ended, if a piece says so, in lower case; else an empty text."""
    for name in _REASONS:
        if isinstance(value := piece.response_metadata.get(name), str):
            return value.lower()
    return ""


def _model_name(model: BaseChatModel) -> str:
    for attribute in ("model_name", "model"):
        if isinstance(value := getattr(model, attribute, None), str) and value:
            return value
    return type(model).__name__
