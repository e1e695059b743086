"""The cues of SubRip and WebVTT files: a time, and lines without their markup."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.cleaning import clean

__all__ = ["Cue", "Track", "read_cues"]

_TIME = r"(?:(\d{1,4})\s*:\s*)?(\d{1,2})\s*:\s*(\d{1,2})(?:\s*[.,]\s*(\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_ARROW = "-->"
_CLOCK = re.compile(r"\d\s*[:.,]\s*\d|-->\s*\d|\d\s*-->")
"""What a line of times holds at least; "Menu --> Network" is said."""
_HEADER_LANGUAGE = re.compile(r"Language\s*:\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>\n]+)>")
_READING = re.compile(r"<rt>[^<]{0,1000}</rt>")
_TAG = re.compile(
    r"</?(?:b|c|font|i|lang|r[bpt]|ruby|s|strike|u|v)(?:[.\s][^<>\n]*)?/?>"
    r"|<\d[\d:.]*>"  # the time of a word in WebVTT
    r"|\{\\[^{}\n]*\}"  # places and styles, as SubStation Alpha writes them
    r"|\{[YyFfSsCcPp]:[^{}\n]*\}",  # and as MicroDVD does
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>|\\N", re.IGNORECASE)
_DIRECTION_MARKS = re.compile("[\u200e\u200f\u061c]")
_MOVED_STOP = re.compile(r"(\.{1,2}(?!\.)|[!?:،؛؟]+)\s*(.+)", re.DOTALL)
_STOPS = tuple(".!?:،؛؟…,")


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from ``start_s`` to ``end_s``, in seconds, and who says it, if that is told."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """A file's cues in their order, the language that it claims, and what could not be read."""

    cues: tuple[Cue, ...]
    language: str | None
    problems: tuple[str, ...]


def read_cues(text: str) -> Track:
    r"""Read a file's cues, whichever of both formats it has.

    Times decide, not blank lines or numbers, which many files lack or have too many of.

    >>> track = read_cues("1\n00:00:01,500 --> 00:00:02,000\n<i>Hello,</i>\nworld.\n")
    >>> track.cues
    (Cue(start_s=1.5, end_s=2.0, lines=('Hello,', 'world.'), speaker=''),)
    """
    lines = clean(text).split("\n")
    web = lines[0].startswith("WEBVTT")
    heads = [index for index, line in enumerate(lines) if _ARROW in line and _CLOCK.search(line)]
    head = lines[: heads[0] if heads else len(lines)] if web else []
    claims = (match for line in head if (match := _HEADER_LANGUAGE.fullmatch(line)))
    language = next((claim.group(1) for claim in claims), None)
    cues: list[Cue] = []
    problems: list[str] = []
    for position, index in enumerate(heads):
        following = heads[position + 1] if position + 1 < len(heads) else None
        body = _body(lines[index + 1 : following], web=web, last=following is None)
        times = _TIMES.fullmatch(lines[index])
        if times is None:
            problems.append(f"line {index + 1}: the times can not be read: {lines[index]!r:.80}")
            start_s = end_s = cues[-1].end_s if cues else 0.0
        else:
            start_s, end_s = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        cues.extend(_spoken(body, start_s, max(start_s, end_s)))
    if all(_TIMES.fullmatch(lines[index]) is None for index in heads):
        cues = []  # an arrow is no proof of subtitles
    return Track(tuple(cues), language, tuple(problems))


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    below = int((fraction or "0").ljust(3, "0")) / 1000
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + below


def _body(lines: Sequence[str], *, web: bool, last: bool) -> str:
    """Return a cue's own text of the lines up to the next times: no name or number of the next."""
    if web:  # a cue ends at a blank line; what may follow are notes, and the next one's name
        end = next((index for index, line in enumerate(lines) if not line.strip()), len(lines))
        return "\n".join(lines[:end])
    own = list(lines)
    while own and not own[-1].strip():
        own.pop()
    if not last and own and own[-1].strip().isdecimal():
        own.pop()
    return "\n".join(line for line in own if line.strip())


def _spoken(body: str, start_s: float, end_s: float) -> Iterator[Cue]:
    """Yield a cue for each voice of one."""
    pieces = _VOICE.split(_READING.sub("", body))
    speakers = ["", *pieces[1::2]]
    for speaker, piece in zip(speakers, pieces[::2], strict=True):
        lines = tuple(filter(None, map(_shown, _BREAK.sub("\n", piece).split("\n"))))
        if lines:
            name = " ".join(html.unescape(speaker).split())
            yield Cue(start_s, end_s, lines, name)


def _shown(line: str) -> str:
    text = html.unescape(_TAG.sub("", line))
    return _with_its_stop_last(" ".join(_DIRECTION_MARKS.sub("", clean(text)).split()))


def _with_its_stop_last(line: str) -> str:
    """Put a stop back that stands before a right-to-left line.

    Many subtitles are stored so for players that know no right-to-left text: there the stop is
    seen on the left, which is the line's end.

    >>> [_with_its_stop_last(line) for line in (".שלום לכולם", "...אבל", ".NET")]
    ['שלום לכולם.', '...אבל', '.NET']
    """
    moved = _MOVED_STOP.fullmatch(line)
    if moved is None:
        return line
    stop, rest = moved.groups()
    first = next((letter for letter in rest if letter.isalpha()), "")
    right_to_left = bool(first) and unicodedata.bidirectional(first) in {"R", "AL"}
    return rest + stop if right_to_left and not rest.endswith(_STOPS) else line
