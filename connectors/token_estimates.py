"""How many tokens a text has, where the tokenizer of the server that reads it is out of reach."""

from __future__ import annotations

__all__ = ["clipped", "estimated_tokens"]

_BYTES_PER_TOKEN = 3


def estimated_tokens(text: str) -> int:
    """Return a token for every three bytes of UTF-8, rounded up.

    That is a token for each Chinese or Hindi character and for three Latin letters: more than
    nearly every tokenizer makes of natural text, so that a passage of so many estimated tokens
    fits the model.

    >>> estimated_tokens("Vielen Dank"), estimated_tokens("谢谢")
    (4, 2)
    """
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def clipped(text: str, max_tokens: int) -> str:
    r"""Return whole characters from a text's beginning, ``max_tokens`` estimated tokens at most.

    A lone surrogate, which no request can hold, becomes ``?``.

    >>> clipped("谢谢你", 2), clipped("\ud800", 1)
    ('谢谢', '?')
    """
    data = text.encode("utf-8", "replace")[: max_tokens * _BYTES_PER_TOKEN]
    return data.decode("utf-8", "ignore")
