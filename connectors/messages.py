"""What was said before a question, as frameworks have it, as the engine's messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rag_engine.errors import InvalidInput
from rag_engine.records import Message
from rag_engine.search_arguments import checked_history

__all__ = ["as_messages"]


def as_messages(
    said: Sequence[Any], kind: type, read: Callable[[Any], tuple[str, str]]
) -> tuple[Message, ...]:
    """Return what the user and the assistant said; what others said goes.

    ``read`` gives role and text of a framework's own messages, those of ``kind``; there may be
    messages of the engine and mappings of ``role`` and ``content`` among them.

    Raises:
        InvalidInput: it is no list of messages.

    >>> as_messages([("system", "Be brief."), ("user", "Who?")], tuple, lambda message: message)
    (Message(role='user', content='Who?'),)
    """
    if not isinstance(said, list | tuple):
        raise InvalidInput(f"history is a list of messages, got {said!r:.80}")
    messages: list[Message | Mapping[str, str]] = []
    for message in said:
        if not isinstance(message, kind):
            messages.append(message)
            continue
        role, content = read(message)
        if role in {"user", "assistant"}:
            messages.append({"role": role, "content": content})
    return checked_history(messages)
