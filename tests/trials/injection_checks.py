"""What holds of prompts, answers, printed lines and logs, whatever was planted in them."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from typing import Any

from lxml.html.defs import tags

from rag_engine.ports import Prompt
from tests.answering.renderers import rendered
from tests.trials.injected import HOST

__all__ = ["see_leads", "see_logs", "see_plain", "see_prompt", "see_text"]

_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BOUNDARY = re.compile(r'<source-([0-9a-f]{12}) number="1">')
_CONTROL_TOKEN = re.compile(
    r"<[|｜/]|<0x|<(?:start|end|tool|sop|s>)|\[/?(?:INST|[A-Z]+_[A-Z_]+|THINK|ARGS|gMASK)\]"
    r"|\[UNUSED_TOKEN_\d+\]"
)
_HARMLESS = frozenset(
    {"main", "p", "br", "em", "strong", "del", "s", "code", "pre", "ul", "ol", "li", "blockquote"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "a", "table", "thead", "tbody", "tr", "th", "td"}
    | {"sup", "section", "input"}
)
"""What Markdown makes of a text that holds no link, image or tag; footnotes and tasks too."""
_KNOWN = tags | {"dialog", "math", "picture", "portal", "slot", "svg", "template"}


def see_prompt(prompt: Prompt, foreign: str) -> None:
    """See that no source ends its quotation, and that nothing in it is a token of control."""
    [boundary] = _BOUNDARY.findall(prompt.user)
    count = len(prompt.passages)
    opened = re.findall(rf'^<source-{boundary} number="(\d+)">$', prompt.user, re.MULTILINE)
    assert opened == [str(number) for number in range(1, count + 1)]
    assert len(re.findall(rf"^</source-{boundary}>$", prompt.user, re.MULTILINE)) == count
    without = re.sub(rf"</?source-{boundary}[^>\n]*>", "", prompt.user)
    assert boundary not in without
    found = _CONTROL_TOKEN.search(without)
    assert found is None, found
    hidden = {c for c in without if c not in "\n\t" and _is_hidden(c)}
    assert not hidden, hidden
    assert HOST not in prompt.system
    assert "PWNED" not in prompt.system
    assert prompt.system.count(boundary) == 2
    assert prompt.user.startswith(f"Sources:\n\n<source-{boundary}")
    assert foreign not in prompt.user


def _is_hidden(character: str) -> bool:
    """Tell whether a model reads a character that a person does not see; joiners are letters'."""
    if character in "\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} or (
        "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    )


def see_leads(text: str, cited: list[dict[str, Any]], foreign: int) -> None:
    """See where a text leads in programs that show it: where what it cites leads.

    ``foreign`` stands in every address that the generator was told of elsewhere.
    """
    # Code is shown as it is written, and is no HTML to any program that shows Markdown.
    code = re.search(r"`|~~~|^(?: {4}|\t)", text, re.MULTILINE)
    targets, elements = rendered(text, raw=code is None)
    for target in targets:
        assert str(foreign) not in target, target
        if all("handbuch.example" in each["text"] for each in cited):
            assert target.startswith("https://handbuch.example/"), (target, text)
    plain = all("handbuch.example" in each["text"] for each in cited)
    allowed = _HARMLESS if plain else _HARMLESS | {"img", "b", "i", "u", "kbd", "mark", "sub"}
    known = {each for each in elements if each in _KNOWN or each.startswith("on")}
    assert known <= allowed, (known - allowed, text)


def see_text(text: str) -> None:
    """See that a text for readers holds nothing that steers what shows it."""
    steering = {
        c for c in text if c in _BIDI or (unicodedata.category(c) == "Cc" and c not in "\n\t")
    }
    assert not steering, (steering, text)


def see_plain(printed: str) -> None:
    """See that what is printed holds nothing that steers a terminal."""
    steering = {c for c in printed if c in _BIDI or unicodedata.category(c) in {"Cc", "Zl", "Zp"}}
    assert steering <= {"\n"}, (steering, printed)


def see_logs(log: io.StringIO) -> int:
    """See that a log holds lines of ours alone; return how many."""
    lines = log.getvalue().splitlines()
    for line in lines:
        said = json.loads(line)
        assert said["level"] != "error", line
        assert HOST not in line, line
        assert "PWNED" not in line, line
    return len(lines)
