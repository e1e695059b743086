"""The text that a model wants before a question and before a passage.

A model that was trained with prompts and is used without them loses much of its quality and says
nothing. So prompts are resolved once, in a stated order, and become part of the index's contract.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rag_engine.errors import InvalidInput

__all__ = ["Prompts", "instructed", "resolve_prompts"]

Origin = Literal["stated", "model", "family", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What stands before each question and each passage, and who says so.

    ``origin``: ``stated`` by the caller (at least one of the two), by the ``model``'s own
    configuration, known of the model's ``family``, or ``none`` known.
    """

    query: str
    passage: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Family:
    pattern: re.Pattern[str]
    query: str
    passage: str


_E5_TASK = "Given a web search query, retrieve relevant passages that answer the query"

# Matched against the last part of a model's name, in this order.
_FAMILIES = (
    # https://huggingface.co/intfloat/multilingual-e5-large-instruct: passages take no prompt.
    _Family(re.compile(r"(multilingual-)?e5-[\w-]*instruct"), f"Instruct: {_E5_TASK}\nQuery: ", ""),
    # https://huggingface.co/intfloat/multilingual-e5-small, Wang et al. 2024 (arXiv 2402.05672)
    _Family(
        re.compile(r"(multilingual-)?e5-(small|base|large)(-v2|-unsupervised)?"),
        "query: ",
        "passage: ",
    ),
    # https://huggingface.co/BAAI/bge-m3: trained without instructions.
    _Family(re.compile(r"bge-m3(-unsupervised|-retromae)?"), "", ""),
)
_INSTRUCTED = re.compile(r"(Instruct: ?)[^\n]+(\n(?:Query|Question): ?)")
"""How models are told a task that were trained with many: E5-instruct (Wang et al. 2024, arXiv
2401.00368), Qwen3-Embedding and others."""
_LONGEST_TASK = 1_000
_NO_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of Unicode that end a line, control a terminal, or are no text."""

_QUERY_NAMES = ("query",)
_PASSAGE_NAMES = ("document", "passage", "corpus")
"""What sentence-transformers looks for, in its order."""


def resolve_prompts(
    model: str,
    *,
    own: Mapping[str, str | None] | None = None,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
) -> Prompts:
    """Return the prompts of the model named ``model``, a hub name or a directory's name.

    What the caller states wins, also an empty text. Next comes ``own``, the ``prompts`` of the
    model's ``config_sentence_transformers.json``; texts that are all empty state nothing, since
    that is what every saved model carries. Next, what is known of the model's family. A prompt
    that nobody knows is empty.

    Raises:
        InvalidInput: a stated prompt is no text.

    >>> resolve_prompts("intfloat/multilingual-e5-small")
    Prompts(query='query: ', passage='passage: ', origin='family')
    >>> resolve_prompts("my-model", own={"query": "ask: ", "document": ""})
    Prompts(query='ask: ', passage='', origin='model')
    >>> resolve_prompts("my-model")
    Prompts(query='', passage='', origin='none')
    """
    for name, prompt in (("query_prompt", query_prompt), ("passage_prompt", passage_prompt)):
        if prompt is not None and not isinstance(prompt, str):
            raise InvalidInput(f"{name} is a text or None, got {prompt!r:.80}")
    known = _own_prompts(own or {}) or _family_prompts(model)
    if query_prompt is None and passage_prompt is None:
        return known
    return Prompts(
        query=known.query if query_prompt is None else query_prompt,
        passage=known.passage if passage_prompt is None else passage_prompt,
        origin="stated",
    )


def instructed(query_prompt: str, task: str) -> str:
    r"""Return a model's prompt for questions with ``task`` in the place of the one that it has.

    A model that was trained with tasks has the prompt ``Instruct: ...\nQuery: ``.

    Raises:
        InvalidInput: the prompt has another form, so that the model knows no tasks; or the task is
            no line of text.

    >>> instructed("Instruct: Find an answer\nQuery: ", "Find a statute that applies")
    'Instruct: Find a statute that applies\nQuery: '
    """
    if (
        not isinstance(task, str)
        or not task.strip()
        or len(task) > _LONGEST_TASK
        or any(unicodedata.category(character) in _NO_LINE for character in task)
    ):
        raise InvalidInput(
            f"an instruction is a line of 1 to {_LONGEST_TASK:,} characters, got {task!r:.80}"
        )
    form = _INSTRUCTED.fullmatch(query_prompt)
    if form is None:
        raise InvalidInput(
            f"the embedder takes no instruction: it reads {query_prompt!r:.80} before a question, "
            "and not 'Instruct: ...' as models that were trained with instructions do"
        )
    return f"{form[1]}{task.strip()}{form[2]}"


def _own_prompts(own: Mapping[str, str | None]) -> Prompts | None:
    query = next((own[name] for name in _QUERY_NAMES if own.get(name)), None)
    passage = next((own[name] for name in _PASSAGE_NAMES if own.get(name)), None)
    if not query and not passage:
        return None
    return Prompts(query=query or "", passage=passage or "", origin="model")


def _family_prompts(model: str) -> Prompts:
    name = model.rstrip("/").rsplit("/", 1)[-1].casefold()
    for family in _FAMILIES:
        if family.pattern.fullmatch(name):
            return Prompts(query=family.query, passage=family.passage, origin="family")
    return Prompts(query="", passage="", origin="none")
