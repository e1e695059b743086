"""Lets a generator write, and hands out what it writes while it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import GeneratorType

from rag_engine.answering.answer_language import WantedLanguage, weight
from rag_engine.answering.citations import begins_declined
from rag_engine.cancellation import check_cancelled
from rag_engine.ports import Generator, Prompt

__all__ = ["Draft", "OnText", "write_draft"]

OnText = Callable[[str], None]

_ENOUGH = 60
"""Letters (ideographs double) of an answer's beginning by which its language is judged."""
_LONGEST_HELD = 400
"""Characters that are held back at most, where there are few letters among them."""
_MARK_LENGTH = 8
"""Characters that tell an answer from one that begins with the mark for none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator wrote, unchecked.

    ``handed_out`` says whether any of it went to the caller. ``other`` is the language that it is
    in, if it is a wrong one. ``whole`` is False where writing was stopped for that.
    """

    text: str
    handed_out: bool
    other: str | None
    whole: bool = True


def write_draft(
    generator: Generator,
    prompt: Prompt,
    *,
    wanted: WantedLanguage,
    on_text: OnText | None,
    first: bool,
) -> Draft:
    """Let ``generator`` answer ``prompt``; give ``on_text`` what it writes as it comes.

    The ``first`` draft's beginning is held back until there is enough of it to tell its language;
    if that is another than wanted, writing stops, with nothing handed out. An answer that begins
    with the mark for none is held back to its end. A draft without a caller to hand it to is
    always written to its end.

    Raises:
        ServiceError: a remote model failed.
    """
    judged = first and not generator.quotes
    text, handed_out = "", False
    pieces = generator.generate(prompt)
    try:
        for piece in pieces:
            check_cancelled()
            text += piece
            if on_text is None:
                continue
            if handed_out:
                on_text(piece)
            elif _is_enough(text, judged=judged):
                if judged and (other := wanted.other(text)):
                    return Draft(text, handed_out=False, other=other, whole=False)
                handed_out = True
                on_text(text)
    finally:  # a request to a server ends here too, when writing was stopped or ``on_text`` raised
        if isinstance(pieces, GeneratorType):
            pieces.close()
    other = None if generator.quotes else wanted.other(text)
    return Draft(text, handed_out=handed_out, other=other)


def _is_enough(text: str, *, judged: bool) -> bool:
    """Tell whether the beginning of an answer says enough of it to be handed out."""
    if begins_declined(text) or len(text.lstrip()) < _MARK_LENGTH:
        return False
    return not judged or weight(text) >= _ENOUGH or len(text) >= _LONGEST_HELD
