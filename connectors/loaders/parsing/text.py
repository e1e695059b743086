"""Plain text, in whatever encoding it was written."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsing.cleaning import clean, one_line
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.parsed import MAX_LINE_CHARACTERS, Parsed, RefusedByLimit

__all__ = ["parse"]

_LONGEST_TITLE = 100
_SENTENCE_ENDS = tuple(".,;:…。、，；：।؟؛።?!？！")


def parse(data: bytes, name: str) -> Parsed:
    r"""Return the text, whatever encoding it was written in.

    Raises:
        RefusedByLimit: one of its lines is too long.

    >>> parse("Spülen\r\n".encode("cp1252"), "a.txt").text
    'Spülen\n'
    """
    decoded = decode(data)
    text = clean(decoded.text)
    longest = max(map(len, text.split("\n")))
    if longest > MAX_LINE_CHARACTERS:
        raise RefusedByLimit(
            f"it has a line of {longest:,} characters; at most {MAX_LINE_CHARACTERS:,} are read; "
            "it may be no text at all"
        )
    return Parsed(
        text=text,
        title=_first_line_title(text),
        metadata=decoded.facts,
        problems=decoded.problems,
    )


def _first_line_title(text: str) -> str:
    r"""Return the first line if it looks like a title: short, no sentence, set off from the rest.

    >>> _first_line_title("Pump manual\n\nRinse it weekly.")
    'Pump manual'
    >>> _first_line_title("Rinse it weekly.\n\nThen dry it.")
    ''
    """
    lines = text.lstrip("\n").split("\n", 2)
    first = one_line(lines[0], limit=_LONGEST_TITLE + 1)
    if len(lines) < 3 or not first or len(first) > _LONGEST_TITLE:
        return ""
    underline = lines[1].strip()
    set_off = not underline or set(underline) <= set("=-~#*_")
    if not set_off or first.endswith(_SENTENCE_ENDS) or not any(map(str.isalpha, first)):
        return ""
    return first.strip("#=*-_ ")
