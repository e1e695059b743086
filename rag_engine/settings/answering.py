"""The settings of generators, a class a kind, and of what they are given to read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag

from rag_engine.answering.strictness import Strictness
from rag_engine.settings.base import Frozen, Kind, Sourced, chosen_by
from rag_engine.settings.plugins import PLUGIN, Plugin
from rag_engine.settings.templates import (
    REWRITING_FIELDS,
    REWRITING_SYSTEM_FIELDS,
    SYSTEM_FIELDS,
    USER_FIELDS,
    checked_template,
)

__all__ = [
    "AnsweringSettings",
    "ExtractiveGeneratorSettings",
    "GeneratorSettings",
    "OpenAICompatibleGeneratorSettings",
    "PluginGeneratorSettings",
]


class _Generator(Kind):
    """What writes answers, and the questions of ``rag-engine synthesize``."""

    stage = "generator"


class ExtractiveGeneratorSettings(_Generator):
    """Quotes the sources; no language model."""

    kind: Literal["extractive"] = "extractive"
    """``extractive``: quotes the sources word for word; no language model."""

    @property
    def name(self) -> str:
        """What is said to write the answers."""
        return self.kind


class OpenAICompatibleGeneratorSettings(Sourced, _Generator):
    """A server that speaks OpenAI's chat protocol."""

    kind: Literal["openai-compatible"] = "openai-compatible"
    """``openai-compatible``: a server that speaks OpenAI's chat protocol."""
    model: str = Field(min_length=1)
    """The name under which the server has the model."""
    base_url: str = Field(min_length=1)
    """The endpoint's address, up to and with ``/v1``."""
    api_key_env: str = "RAG_ENGINE_LLM_API_KEY"
    """The environment variable that holds the key; the key itself is never stored."""
    timeout_s: float = Field(60.0, gt=0, le=86_400)
    """Seconds that a connection, and each next piece of an answer, may take."""
    max_tokens: int = Field(512, ge=1, le=1_000_000)
    """Most tokens of an answer."""
    temperature: float = Field(0.0, ge=0, le=2)
    """0: the likeliest answer, the same each time as far as the server goes; more: others too."""
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field((), max_length=4)
    """Texts at which an answer ends, without them; for models that do not know where to."""

    @property
    def name(self) -> str:
        """What is said to write the answers."""
        return self.model


class PluginGeneratorSettings(Plugin, _Generator):
    """A ``Generator`` of one's own."""

    @property
    def name(self) -> str:
        """What is said to write the answers."""
        return self.kind


GeneratorSettings = Annotated[
    Annotated[ExtractiveGeneratorSettings, Tag("extractive")]
    | Annotated[OpenAICompatibleGeneratorSettings, Tag("openai-compatible")]
    | Annotated[PluginGeneratorSettings, Tag(PLUGIN)],
    chosen_by("kind", "extractive", ("extractive", "openai-compatible"), other=PLUGIN),
]
"""The settings of any generator."""


SystemPrompt = Annotated[
    str, AfterValidator(lambda text: checked_template(text, SYSTEM_FIELDS, _SYSTEM_NEEDS))
]
UserPrompt = Annotated[
    str, AfterValidator(lambda text: checked_template(text, USER_FIELDS, _USER_NEEDS))
]
RewritingSystemPrompt = Annotated[
    str, AfterValidator(lambda text: checked_template(text, REWRITING_SYSTEM_FIELDS, ("boundary",)))
]
RewritingPrompt = Annotated[
    str, AfterValidator(lambda text: checked_template(text, REWRITING_FIELDS, _REWRITING_NEEDS))
]
_SYSTEM_NEEDS, _USER_NEEDS = ("boundary", "no_answer"), ("sources", "question")
_REWRITING_NEEDS = ("conversation", "question")


class AnsweringSettings(Frozen):
    """What the generator is given to read, and how it is asked."""

    stage = "answering"
    hits: int = Field(8, ge=1, le=100)
    """Most hits that are read for an answer."""
    min_score: float = Field(0.03, ge=0, le=1)
    """Hits with a lower score (0 to 1) are not read; without any, the knowledge base holds no
    answer."""
    strictness: Strictness = "careful"
    """How probable it has to be that anything here answers before an answer is given: ``strict``,
    ``careful``, ``balanced``, or ``eager`` for no bound. Else the nearest passages are shown."""
    context_tokens: int = Field(1500, ge=50, le=1_000_000)
    """Most tokens of sources in a prompt, counted by the embedder's own tokenizer."""
    system_prompt: SystemPrompt | None = None
    """Rules in the place of the engine's own. They hold ``{boundary}``, the word that marks quoted
    sources, and ``{no_answer}``, what an answer begins with that no source holds; they may hold
    ``{language}``."""
    prompt: UserPrompt | None = None
    """What is asked in the place of the engine's own. It holds ``{sources}`` and ``{question}``; it
    may hold ``{language}`` and ``{again}``, which is said where a first answer was in another
    language."""
    rewriting_system_prompt: RewritingSystemPrompt | None = None
    """Rules, in the place of the engine's own, by which a question in a conversation is written so
    that it stands alone. They hold ``{boundary}``, the word that marks what was said before; they
    may hold ``{language}``."""
    rewriting_prompt: RewritingPrompt | None = None
    """What is asked for that. It holds ``{conversation}`` and ``{question}``; it may hold
    ``{language}``."""
