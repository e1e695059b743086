"""A question that a language model writes: how it is asked, and what of its reply is a question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import GeneratorType

from rag_engine.answering.answer_language import WantedLanguage
from rag_engine.answering.answer_prompt import as_data
from rag_engine.answering.citations import without_marks
from rag_engine.cancellation import check_cancelled
from rag_engine.errors import ServiceError
from rag_engine.ports import Generator, Prompt

__all__ = ["LONGEST", "WrittenQuestion", "one_question", "write_question"]

LONGEST = 1_000
"""Characters of a reply that may be one question."""
_QUOTED = re.compile("^[\"'“„«「『](.*)[\"'”“»」』]$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """A question that a model wrote; None: it wrote none, and why; ``error`` if it is a service's.

    Without a ``failure`` none was wanted.
    """

    text: str | None
    failure: str = ""
    error: ServiceError | None = None


def write_question(
    generator: Generator, prompt: Prompt, *, language: WantedLanguage, task: str
) -> WrittenQuestion:
    """Let ``generator`` write a question in a ``language``; ``task`` is what a failure says of it.

    A reply that is anything else than one question, or surely in another language, is none; nor is
    there one where a remote model fails.
    """
    try:
        reply = _reply(generator, prompt)
    except ServiceError as error:
        return WrittenQuestion(None, f"{generator.name!r} failed to {task}: {error}", error)
    found = one_question(reply)
    if found is None:
        wrote = f"{reply.strip()!r:.80} instead of one question"
    elif other := language.other(found):
        wrote = f"in {other!r}, not {language.tag!r}"
    else:
        return WrittenQuestion(found)
    return WrittenQuestion(None, f"{generator.name!r} was asked to {task}, and wrote {wrote}")


def one_question(reply: str) -> str | None:
    r"""Return the one question that a model replied with; None: it replied with something else.

    Something else are several lines, more than 1,000 characters, nothing, marks of sources, and
    what looks like a tag or a control token of a chat model. Quotation marks around it are left
    out.

    >>> one_question(" “How often is the cartridge changed?”\n")
    'How often is the cartridge changed?'
    >>> one_question("Sure!\n\nHow often?")
    >>> one_question("<|im_start|>user")
    """
    text = reply.strip()
    if quoted := _QUOTED.match(text):
        text = quoted[1].strip()
    if not any(character.isalnum() for character in text) or len(text) > LONGEST:
        return None
    if len(text.splitlines()) > 1 or as_data(text) != text or without_marks(text) != text:
        return None
    return text


def _reply(generator: Generator, prompt: Prompt) -> str:
    pieces = generator.generate(prompt)
    reply = ""
    try:
        for piece in pieces:
            check_cancelled()
            reply += piece
            if len(reply) > 2 * LONGEST:
                break
    finally:  # ends the request to a server too
        if isinstance(pieces, GeneratorType):
            pieces.close()
    return reply
