"""Subtitles (SubRip, WebVTT): what is said, in sentences, under the time at which it is said.

A section is named by the time at which it begins (``00:12:30``), and is a minute long or ends at a
silence, so that a passage holds some sentences and tells where to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_engine.connectors.loaders.parsing.cleaning import join_all
from rag_engine.connectors.loaders.parsing.cues import Cue, read_cues
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, Stretch

__all__ = ["parse"]

_SECTION_S = 60.0
"""From so many seconds on a section ends with a sentence."""
_LONGEST_SECTION_S = 120.0
"""After so many it ends anyway."""
_SILENCE_S = 8.0
"""A silence that ends a section which is at least as long as ``_SHORTEST_SECTION_S``."""
_SHORTEST_SECTION_S = 15.0
_NEW_LINE_S = 2.0
"""Subtitles that so much silence divides stand on lines of their own."""
_SENTENCE_END = re.compile(r"[.!?…。！？؟۔।॥։]['\"”’»」』)\]]*$")
_DASH = re.compile(r"[-–—―‐]\s?(?=[^\W\d_])")
_TIMES = re.compile(rb"^[\d\s:.,>-]+$", re.MULTILINE)
"""Lines that tell nothing of the encoding."""
_LANGUAGE_OF_NAME = re.compile(r"\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.(?:srt|vtt)$", re.IGNORECASE)


def parse(data: bytes, name: str) -> Parsed:
    """Read subtitles; the language is that of a WebVTT header, or of a name like ``talk.fa.srt``.

    Raises:
        Refused: it holds no line of times.
    """
    decoded = decode(data, telling=b"" if b"\0" in data else _TIMES.sub(b"", data))
    track = read_cues(decoded.text)
    if not track.cues:
        raise Refused("it holds no subtitles: no line such as 00:00:01,000 --> 00:00:04,000")
    text = ""
    stretches: list[Stretch] = []
    for section in _sections(_without_repeats(track.cues)):
        text += "\n\n" if text else ""
        start = len(text)
        text += "\n".join(_lines(section))
        stretches.append(
            Stretch(start=start, end=len(text), section=(_as_clock(section[0].start_s),))
        )
    named = _LANGUAGE_OF_NAME.search(name)
    return Parsed(
        text=text,
        language=track.language or (named.group(1) if named else None),
        stretches=tuple(stretches),
        metadata=decoded.facts,
        problems=(*track.problems, *decoded.problems),
    )


def _without_repeats(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Leave out lines that a cue repeats from the one before: captions that roll up a screen."""
    before: tuple[str, ...] = ()
    end_s = -1.0
    for cue in cues:
        lines = cue.lines
        if abs(cue.start_s - end_s) < 0.5:
            for count in range(min(len(before), len(lines)), 0, -1):
                if before[-count:] == lines[:count]:
                    lines = lines[count:]
                    break
        if cue.lines:
            before, end_s = cue.lines, cue.end_s
        if lines:
            yield Cue(cue.start_s, cue.end_s, lines, cue.speaker)


def _sections(cues: Iterator[Cue]) -> Iterator[list[Cue]]:
    section: list[Cue] = []
    for cue in cues:
        if section and _ends(section, cue):
            yield section
            section = []
        section.append(cue)
    if section:
        yield section


def _ends(section: Sequence[Cue], cue: Cue) -> bool:
    """Tell whether a section is over when the next cue comes."""
    length = cue.start_s - section[0].start_s
    if cue.start_s - section[-1].end_s >= _SILENCE_S and length >= _SHORTEST_SECTION_S:
        return True
    said = bool(_SENTENCE_END.search(section[-1].lines[-1]))
    return length >= (_SECTION_S if said else _LONGEST_SECTION_S)


@dataclass(slots=True)
class _Line:
    """What one voice says without a pause."""

    speaker: str
    pieces: list[str]

    def __str__(self) -> str:
        text = join_all(self.pieces)
        return f"{self.speaker}: {text}" if self.speaker else text


def _lines(cues: Sequence[Cue]) -> list[str]:
    """Join what belongs together; another voice, a dash and a pause begin a new line."""
    lines: list[_Line] = []
    end_s = 0.0
    speaker = ""
    for cue in cues:
        fresh = not lines or cue.speaker != speaker or cue.start_s - end_s >= _NEW_LINE_S
        for piece in cue.lines:
            if fresh or _DASH.match(piece):
                lines.append(_Line(cue.speaker, [_DASH.sub("", piece, count=1)]))
            else:
                lines[-1].pieces.append(piece)
            fresh = False
        end_s, speaker = cue.end_s, cue.speaker
    return [str(line) for line in lines]


def _as_clock(seconds: float) -> str:
    """Write a time as players show it.

    >>> _as_clock(750.9)
    '00:12:30'
    """
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
