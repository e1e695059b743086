"""The conversation that a file of ``--history`` tells."""

from __future__ import annotations

import json
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.records import Message
from rag_engine.search_arguments import checked_history

__all__ = ["load_history"]


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
