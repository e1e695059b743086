"""LangChain's messages as the engine's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from rag_engine.connectors import messages
from rag_engine.records import Message

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
    return messages.as_messages(said, BaseMessage, _read)


def _read(message: BaseMessage) -> tuple[str, str]:
    role = "user" if isinstance(message, HumanMessage) else "other"
    return "assistant" if isinstance(message, AIMessage) else role, str(message.text)
