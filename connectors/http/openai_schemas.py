"""OpenAI's request and reply shapes; fields that the service does not know are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.connectors.http.schemas import Restricted
from rag_engine.records import Message
from rag_engine.serialisation import CitationOut

__all__ = [
    "ChatChoice",
    "ChatMessageIn",
    "ChatMessageOut",
    "ChatReply",
    "ChatRequest",
    "EmbeddingOut",
    "EmbeddingsReply",
    "EmbeddingsRequest",
    "ModelOut",
    "ModelsReply",
    "Usage",
]

MOST_INPUTS = 2_048
_TEXT = Annotated[str, Field(min_length=1, max_length=100_000)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class TextPart(_Lenient):
    """A part of a message that is text."""

    type: Literal["text"]
    text: str = Field(max_length=100_000)


class ChatMessageIn(_Lenient):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=100_000)] | list[TextPart | dict[str, Any]] | None = (
        None
    )

    @property
    def text(self) -> str:
        """The message's text; parts of other kinds are left out."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content or []
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))


class StreamOptions(_Lenient):
    """What else a stream tells."""

    include_usage: bool | None = None


class ChatRequest(_Lenient, Restricted):
    """A conversation; its last message of the user is the question.

    What the user and the assistant said before tells what it leaves out or refers to.
    ``language``, ``answer_language``, ``languages`` and ``where`` are this service's own, as in
    ``/v1/ask``.
    """

    model: str = Field("rag-engine", max_length=200)
    messages: list[ChatMessageIn] = Field(min_length=1, max_length=1_000)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(1, ge=1, le=1)
    answer_language: str | None = Field(None, max_length=40)

    def conversation(self) -> tuple[str, list[Message]]:
        """Return the question, and what the user and the assistant said before it.

        The question is empty where the user said nothing. What the system and tools said is not
        part of a conversation.
        """
        said = [
            Message("user" if message.role == "user" else "assistant", message.text)
            for message in self.messages
            if message.role in {"user", "assistant"}
        ]
        asked = [place for place, message in enumerate(said) if message.role == "user"]
        return (said[asked[-1]].content, said[: asked[-1]]) if asked else ("", [])


class Usage(BaseModel):
    """Tokens as the knowledge base's embedder counts them."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class ChatMessageOut(BaseModel):
    """The answer; ``citations`` are its sources by number.

    ``rewritten`` is the question as a language model wrote it to be understood without the
    conversation before it; null where it was asked as it is.
    """

    role: Literal["assistant"] = "assistant"
    content: str
    citations: list[CitationOut]
    rewritten: str | None = None


class ChatChoice(BaseModel):
    """The one answer."""

    index: int = 0
    message: ChatMessageOut
    finish_reason: Literal["stop"] = "stop"


class ChatReply(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class EmbeddingsRequest(_Lenient):
    """Texts to embed; ``input_type`` is this service's own.

    A passage is what is searched, a query what is asked: the model reads each in its own way.
    """

    model: str = Field(max_length=200)
    input: _TEXT | Annotated[list[_TEXT], Field(min_length=1, max_length=MOST_INPUTS)]
    input_type: Literal["query", "passage"] = "passage"
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = Field(None, ge=1, le=1_000_000)


class EmbeddingOut(BaseModel):
    """One vector: numbers, or float32 in little-endian order as base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsReply(BaseModel):
    """Vectors of unit length, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: Usage


class ModelOut(BaseModel):
    """A model by name."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "rag-engine"


class ModelsReply(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
