"""LangChain's messages as the engine's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from rag_engine.errors import InvalidInput
from rag_engine.records import Message
from rag_engine.search_arguments import checked_history

__all__ = ["Said", "as_messages"]

Said = BaseMessage | Message | Mapping[str, str]
"""A message of LangChain's, of the engine's, or a mapping of ``role`` and ``content``."""


def as_messages(said: Sequence[Said]) -> tuple[Message, ...]:
    """Return what the user and the assistant said; messages of the system and of tools go.

    Raises:
        InvalidInput: it is no list of messages.

    >>> as_messages([HumanMessage("Wer haftet?")])
    (Message(role='user', content='Wer haftet?'),)
    """
    if not isinstance(said, list | tuple):
        raise InvalidInput(f"history is a list of messages, got {said!r:.80}")
    messages: list[Message | Mapping[str, str]] = []
    for message in said:
        if isinstance(message, HumanMessage | AIMessage):
            role = "user" if isinstance(message, HumanMessage) else "assistant"
            messages.append({"role": role, "content": str(message.text)})
        elif not isinstance(message, BaseMessage):
            messages.append(message)
    return checked_history(messages)
