"""OpenAI's request and reply shapes; fields that the service does not know are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_engine.connectors.embedding_wire import INPUTS
from rag_engine.connectors.http.schemas import Reading, Restricted
from rag_engine.records import Message
from rag_engine.serialisation import CitationOut, Score

__all__ = [
    "ChatChoice",
    "ChatMessageIn",
    "ChatMessageOut",
    "ChatReply",
    "ChatRequest",
    "ContractOut",
    "EmbeddingOut",
    "EmbeddingsReply",
    "EmbeddingsRequest",
    "ModelOut",
    "ModelsReply",
    "TokenCountsReply",
    "TokenCountsRequest",
    "Usage",
]

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


class ChatRequest(_Lenient, Restricted, Reading):
    """A conversation; its last message of the user is the question.

    What the user and the assistant said before tells what it leaves out or refers to.
    ``language``, ``answer_language``, ``languages``, ``where``, ``k``, ``min_score`` and
    ``strictness`` are this service's own, as in ``/v1/ask``.
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
    conversation before it; null where it was asked as it is. ``translations`` by a language model
    were searched beside it. ``supported`` and ``answerable`` are as in ``/v1/ask``.
    """

    role: Literal["assistant"] = "assistant"
    content: str
    citations: list[CitationOut]
    rewritten: str | None = None
    translations: list[str] = []
    supported: bool
    answerable: Score | None


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


_TEXTS = _TEXT | Annotated[list[_TEXT], Field(min_length=1, max_length=INPUTS)]


class _Texts(_Lenient):
    """Texts for the knowledge base's own model."""

    model: str = Field(max_length=200)
    input: _TEXTS

    @property
    def texts(self) -> list[str]:
        """The texts, also where there is one."""
        return [self.input] if isinstance(self.input, str) else self.input


class EmbeddingsRequest(_Texts):
    """Texts to embed.

    A passage is what is searched, a query what is asked: the model reads each in its own way.
    ``input_type`` says which, in the words of NVIDIA NIM, Voyage or Cohere. ``instruction`` (a task
    for queries, of a model that takes some) and ``token_vectors`` are this service's own.
    """

    input_type: Literal["query", "passage", "document", "search_query", "search_document"] = (
        "passage"
    )
    instruction: str | None = Field(None, max_length=1_000)
    token_vectors: bool = False
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = Field(None, ge=1, le=1_000_000)

    @property
    def of_queries(self) -> bool:
        """Whether the texts are what is asked."""
        return self.input_type in {"query", "search_query"}


class EmbeddingOut(BaseModel):
    """One vector: numbers, or float32 in little-endian order as base64.

    Where they were asked for, ``token_vectors`` are those of the text's tokens in the same form: of
    a query ``(n, width)`` float32; of a passage ``(n,)`` float16 scales, then ``(n, width)`` int8,
    to be multiplied by them. ``token_weights`` are their weights, ``(n,)`` float32.
    """

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    token_vectors: str | None = None
    token_weights: str | None = None


class ContractOut(BaseModel):
    """Which model it is: all that must be equal for two vectors to be comparable.

    ``weights`` identifies the model's weights. ``token_basis`` is the SHA-256 of the directions
    that vectors of tokens are given in; null: none are given.
    """

    model: str
    weights: str
    dimension: int
    pooling: str
    normalised: bool
    query_prompt: str
    passage_prompt: str
    max_tokens: int
    token_basis: str | None = None


class EmbeddingsReply(BaseModel):
    """Vectors of unit length, in the order of the texts; ``contract`` says whose."""

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: Usage
    contract: ContractOut


class TokenCountsRequest(_Texts):
    """Texts whose tokens are to be counted."""


class TokenCountsReply(BaseModel):
    """The number of the model's own tokens of each text, without prompt and special tokens."""

    model: str
    counts: list[int]


class ModelOut(BaseModel):
    """A model by name; ``contract`` says what an embedder is."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "rag-engine"
    contract: ContractOut | None = None


class ModelsReply(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
