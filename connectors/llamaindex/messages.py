"""LlamaIndex's messages as the engine's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from llama_index.core.llms import ChatMessage

from rag_engine.connectors import messages
from rag_engine.records import Message

__all__ = ["Said", "as_messages"]

Said: TypeAlias = ChatMessage | Message | Mapping[str, str]
"""A message of LlamaIndex's, of the engine's, or a mapping of ``role`` and ``content``."""


def as_messages(said: Sequence[Said]) -> tuple[Message, ...]:
    """Return what the user and the assistant said; messages of the system and of tools go.

    Raises:
        InvalidInput: it is no list of messages.

    >>> as_messages([ChatMessage("Wer haftet?", role="user")])
    (Message(role='user', content='Wer haftet?'),)
    """
    return messages.as_messages(
        said, ChatMessage, lambda message: (message.role.value, message.content or "")
    )
