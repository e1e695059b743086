"""A ``.json`` file: a list of objects is read row by row, anything else as one text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from rag_engine.connectors.loaders.parsing.decoding import Decoded, decode
from rag_engine.connectors.loaders.parsing.json_text import key_paths
from rag_engine.connectors.loaders.parsing.json_values import DECODER, BadValue
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.rows import Row

__all__ = ["list_values", "one_text", "read_whole"]

_BLANKS = " \t\n\r"


def read_whole(file: BinaryIO, max_bytes: int | None) -> Decoded:
    """Return a whole file's text, and what is to be told of its encoding.

    Raises:
        RefusedByLimit: it has more than ``max_bytes``.
    """
    data = file.read(-1 if max_bytes is None else max_bytes + 1)
    if max_bytes is not None and len(data) > max_bytes:
        raise RefusedByLimit(f"it has more than {max_bytes:,} bytes")
    return decode(data)


def list_values(text: str) -> Iterator[tuple[int, Any]]:
    """Yield the members of lists, or values that stand one after the other, counted from 1.

    What can not be read is a ``BadValue`` and the last that is yielded.
    """
    position = _skip(text, 0, _BLANKS)
    listed = text[position : position + 1] == "["
    position += listed
    number = 0
    while True:
        position = _skip(text, position, _BLANKS + ",")
        if position >= len(text):
            if listed:
                yield number + 1, BadValue("the file ends before its list does")
            return
        if text[position] == ("]" if listed else "["):  # after a list another may follow
            listed = not listed
            position += 1
            continue
        number += 1
        try:
            value, position = DECODER.raw_decode(text, position)
        except BadValue as error:
            yield number, BadValue(f"{error}; the rows after it were not read")
            return
        except (ValueError, RecursionError) as error:
            yield number, BadValue(f"it is no JSON ({error}); the rows after it were not read")
            return
        yield number, value


def one_text(text: str) -> Row:
    """Return a file that is no list of objects as one document, with the paths of its keys.

    Raises:
        Refused: it is no JSON, or holds no value.
        RefusedByLimit: its text would be too long, or it is nested too deeply.
    """
    try:
        value = DECODER.decode(text.strip(_BLANKS))
    except RecursionError as error:
        raise RefusedByLimit("its parts are nested too deeply") from error
    except ValueError as error:
        raise Refused(f"it is no JSON ({error!s:.200})") from error
    shown = key_paths(value)
    if not shown:
        raise Refused("it holds no value that could be found by a question")
    return Row(number=1, key="", text=shown, title="", language=None, metadata={"format": "json"})


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position
