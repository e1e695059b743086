"""Invitations in mails (iCalendar, RFC 5545): what, when, where, and who is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag_engine.connectors.loaders.parsing.cleaning import one_line, tidy

__all__ = ["event_texts"]

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[^=;:"]+=(?:"[^"]*"|[^;:"]*)(?:,"[^"]*")*)*):(.*)')
_NAME = re.compile(r';CN=(?:"([^"]*)"|([^;:"]*))', re.IGNORECASE)
_ZONE = re.compile(r";TZID=\"?([^;:\"]*)", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_KINDS = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_MOST_PEOPLE = 50


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str


def event_texts(source: str) -> Iterator[str]:
    r"""Yield the text of each event or task of a calendar.

    >>> lines = ["BEGIN:VEVENT", "SUMMARY:Tea\\, cake", "DTSTART:20250312T140000Z", "END:VEVENT"]
    >>> list(event_texts("\r\n".join(lines)))
    ['Tea, cake\n2025-03-12 14:00 UTC']
    """
    held: list[_Property] = []
    kinds: list[str] = []
    for line in _FOLD.sub("", source).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        found = _Property(match[1].upper(), match[2], match[3])
        kind = found.value.strip().upper()
        if found.name == "BEGIN":
            kinds.append(kind)
            held = [] if kind in _KINDS else held
        elif found.name == "END" and kinds:
            if kinds.pop() in _KINDS and (text := _text(held)):
                yield text
        elif kinds and kinds[-1] in _KINDS:  # not in the alarm or the time zone inside of it
            held.append(found)


def _text(held: list[_Property]) -> str:
    first = {each.name: each for each in reversed(held)}
    said = {name: _plain(first[name].value) for name in first}
    times = [_moment(first[name]) for name in ("DTSTART", "DTEND", "DUE") if name in first]
    people = [_person(each) for each in held if each.name in {"ORGANIZER", "ATTENDEE"}]
    lines = [
        said.get("SUMMARY", ""),
        " – ".join(dict.fromkeys(times)),
        said.get("LOCATION", ""),
        ", ".join(dict.fromkeys(filter(None, people[:_MOST_PEOPLE]))),
        said.get("DESCRIPTION", ""),
    ]
    return tidy("\n".join(filter(None, lines)))


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def _person(found: _Property) -> str:
    name = _NAME.search(found.parameters)
    shown = (name[1] or name[2]) if name else ""
    return one_line(shown or found.value.partition(":")[2])


def _moment(found: _Property) -> str:
    match = _MOMENT.fullmatch(found.value.strip())
    if match is None:
        return one_line(found.value)
    day, (hour, minute, utc) = "-".join(match.groups()[:3]), match.groups()[3:]
    zone = _ZONE.search(found.parameters)
    shown_zone = "UTC" if utc else (zone[1] if zone else "")
    return one_line(f"{day} {hour}:{minute} {shown_zone}" if hour else day)
