"""The conversation that a file of ``--history`` tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.records import Message
from rag_engine.search_arguments import checked_history

__all__ = ["load_history", "write_history"]

_MOST = 1_000
"""Messages that a history may have: the latest are kept."""


def load_history(path: Path | None) -> list[Message]:
    """Read what was said before from a JSON file, if one is named.

    Raises:
        InvalidInput: there is none, or it holds something else than messages.
    """
    if path is None:
        return []
    try:
        return list(checked_history(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError as error:
        raise InvalidInput(f"--history {path}: there is no such file") from error
    except (OSError, ValueError, RecursionError, InvalidInput) as error:
        raise InvalidInput(f"--history {path}: {error}") from error


def write_history(path: Path, said: Sequence[Message]) -> None:
    """Write what was said to a JSON file, whole or not at all.

    Raises:
        OSError: it can not be written; what it held is kept.
    """
    messages = [asdict(message) for message in said[-_MOST:]]
    text = json.dumps(messages, ensure_ascii=False, indent=1)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(f"{text}\n", encoding="utf-8")
    beside.replace(path)
