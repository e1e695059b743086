"""Gettext catalogues by polib: each translation is a passage, under the text that it translates.

The passage is the translation alone, so that its language is told by its own words, and a reader
is quoted what users of the program see. The original is its heading: it is found by questions in
either language, and says which message was translated. A fuzzy translation is a guess of the tools
and an obsolete one is shown to nobody, so both are left out.
"""

from __future__ import annotations

import re

import polib

from rag_engine.connectors.loaders.parsing.cleaning import one_line, tidy
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, Stretch

__all__ = ["parse"]

_CHARSET = re.compile(rb"Content-Type:[^\"\n]{0,200}?charset=([\w.:-]{1,40})", re.IGNORECASE)
# Python takes them for the ends of lines; in a catalogue they stand within a text.
_NO_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LONGEST_HEADING = 300


def parse(data: bytes, name: str) -> Parsed:
    """Read the finished translations of a catalogue.

    Raises:
        Refused: it is no catalogue, or holds no finished translation.
    """
    declared = _CHARSET.search(data[:20_000])
    claim = declared.group(1).decode("ascii") if declared else None
    decoded = decode(data, declared=claim)
    catalogue = _read(decoded.text)
    text = ""
    stretches = []
    for entry in catalogue:
        if entry.obsolete or entry.fuzzy or not entry.msgid:
            continue
        translation = _translation(entry)
        if not translation:
            continue
        text += "\n\n" if text else ""
        start = len(text)
        text += translation
        headings = (entry.msgctxt or "", entry.msgid)
        section = tuple(filter(None, (one_line(h, _LONGEST_HEADING) for h in headings)))
        stretches.append(Stretch(start=start, end=len(text), section=section))
    if not text:
        raise Refused("it holds no finished translation: only empty, fuzzy or obsolete ones")
    project = catalogue.metadata.get("Project-Id-Version", "")
    return Parsed(
        text=text,
        title="" if project.startswith("PACKAGE") else one_line(project),
        language=_language(catalogue),
        stretches=tuple(stretches),
        metadata=decoded.facts,
        problems=decoded.problems,
    )


def _read(text: str) -> polib.POFile:
    text = _NO_LINE_ENDS.sub(" ", text.replace("\0", "").removeprefix("\ufeff"))
    try:
        # A text of several lines, the first one a remark, is never taken for a file's name.
        return polib.pofile(f"#\n\n{text}\n")
    except (OSError, ValueError) as error:
        raise Refused(f"it is no catalogue of translations: {error!s:.200}") from error


def _translation(entry: polib.POEntry) -> str:
    """Return the translation; of one with plural forms, every form that differs."""
    forms = [entry.msgstr, *(form for _, form in sorted(entry.msgstr_plural.items()))]
    return "\n".join(dict.fromkeys(filter(None, map(tidy, forms))))


def _language(catalogue: polib.POFile) -> str | None:
    """Return the header's language as BCP-47 writes it: ``pt_BR`` is ``pt-BR``."""
    named = catalogue.metadata.get("Language", "").strip()
    tag = re.split(r"[.@]", named)[0].replace("_", "-")
    return tag or None
