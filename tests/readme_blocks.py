"""The Python blocks of a document, for tests that run them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python_block(document: str, holding: str) -> str:
    """Return the one Python block of a document that holds a text."""
    text = (ROOT / document).read_text(encoding="utf-8")
    [block] = [
        each for each in re.findall(r"^```python\n(.*?)^```$", text, re.S | re.M) if holding in each
    ]
    return block
