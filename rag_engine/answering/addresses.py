"""Finds what a reader's program could take for an address, and tells where it leads.

A renderer makes links of more than ``https://...``: of ``www.host``, of a bare ``host.tld`` and of
e-mail addresses, after it has decoded entities and escapes; a browser then reads full-width
letters, ideographic stops, percent signs, backslashes and zero-width characters in its own way. So
addresses are looked for in the text as it reads after all that (``fold``), and compared as the
WHATWG URL parser of a browser writes them (``address_key``, by ada-url).

What looks like the name of a file (``README.md``, ``main.py:12``), a version, a time or an
abbreviation is none, although a renderer may take ``README.md`` for a host in Moldova.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ada_url import URL
from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

__all__ = ["Address", "address_key", "find_addresses", "fold", "forms", "target_keys"]

_REST = r"[^\s<>\"`\[\]]"
_V6 = r"\[[0-9a-f:.%]{2,60}\]"
_SCHEMED = re.compile(
    rf"""
      (?:[a-z][a-z0-9+.-]{{1,30}}://|(?:https?|ftp|wss?|file):[/\\])[/\\]*+
      (?:{_REST}{{0,200}}@)?(?:{_V6}{_REST}*|{_REST}+)
    | (?<![a-z0-9])(?:javascript|vbscript|mailto|xmpp|blob|magnet):{_REST}+
    | (?<![a-z0-9])data:[\w./+-]{{0,100}}(?:;[^,\s]{{0,200}})?,{_REST}*
    | (?<![a-z0-9])(?:tel|sms|callto|skype):\+?[0-9]{_REST}*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_UNSCHEMED = re.compile(
    rf"""
      (?<![^\W_])(?<![:/\\])//(?:{_REST}{{0,200}}@)?(?:{_V6}|localhost\b|[^\s<>\"`\[\]/.]{{1,63}}\.[\w%-]){_REST}*
    | (?<![a-z0-9])www\.[\w-]{_REST}*
    | (?<![a-z0-9._+-])[a-z0-9._+-]{{1,64}}@
      [\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,20}}\.[\w-]{{0,62}}[^\W\d_]
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The same without a scheme, which a page of either scheme completes, and mail."""
_AFTER_HOST = rf"(?P<port>:[0-9]{{1,5}}(?![0-9]))?(?P<rest>[/?\#\\]{_REST}*)?"
_ASCII_HOST = re.compile(
    rf"(?<![a-z0-9./\\-])(?P<host>(?!_)(?:[a-z0-9_-]{{1,63}}\.){{1,20}}(?P<last>[a-z0-9-]{{1,63}}))"
    rf"(?![a-z0-9-])(?!\.[a-z0-9]){_AFTER_HOST}",
    re.IGNORECASE | re.VERBOSE,
)
_HOST = re.compile(
    rf"(?<![^\W_])(?<![./\\-])(?P<host>(?!_)(?:[\w-]{{1,63}}\.){{1,20}}(?P<last>[\w-]{{1,63}}))"
    rf"(?![\w-])(?!\.\w){_AFTER_HOST}",
    re.IGNORECASE | re.VERBOSE,
)
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_BLOCK = re.compile(r"/\d{1,2}")
"""The size of a block of addresses: ``192.168.0.0/24``."""
_RESERVED = frozenset({"example", "test", "invalid", "local", "localhost", "internal", "onion"})
_FILE_SUFFIXES = frozenset(
    {"cc", "java", "md", "mk", "mov", "pm", "ps", "py", "rs", "sh", "so", "zip"}
)
"""Domains that are better known as suffixes of files; ``pl`` and ``ai`` are not among them."""
_ENTITY = re.compile(r"&(?:#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z][a-z0-9]{1,31});?", re.IGNORECASE)
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_IN_ADDRESSES = frozenset("/\\@%_-&=#")
_STOPS = frozenset("。．｡")
_ASCII_START = re.compile(r"[\x21-\x7e]+")
_CJK_STOP = re.compile(r"[。，、；：！？（）「」『』【】《》〈〉]")
_TRAILING = ".,;:!?'\"*_»›”’“‘…؟،؛।॥"


@dataclass(frozen=True, slots=True)
class Address:
    """What stands at ``text[start:end]`` and may be taken for an address.

    ``written`` is how it reads, and ``places`` where each of its characters, and its end, stands
    in the text. ``bare`` says that it is a host's name and nothing else.
    """

    written: str
    places: Sequence[int]
    bare: bool

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        return self.places[0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.places[-1]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it reads to a renderer and a browser; ``starts`` maps its characters back.

    ``starts`` has an entry a character and one for the end. In ``with_stops`` an ideographic stop
    between letters is what it is, in ``text`` the dot that browsers take it for.
    """

    text: str
    starts: range | list[int]
    with_stops: str


def fold(text: str) -> Folded:
    r"""Decode entities and escapes, leave out what nobody sees, write wide letters narrow.

    >>> fold("&#104;ttps&colon;\\/\\/ｅｖｉｌ。ex\u200bample").text
    'https://evil.example'
    """
    if text.isascii() and "&" not in text and "\\" not in text:
        return Folded(text, range(len(text) + 1), text)
    characters: list[str] = []
    starts: list[int] = []
    at = 0
    while at < len(text):
        read, end = _read(text, at)
        characters += read
        starts += [at] * len(read)
        at = end
    with_stops = "".join(characters)
    for place, character in enumerate(characters):
        if character in _STOPS:
            around = characters[max(0, place - 1) : place] + characters[place + 1 : place + 2]
            if len(around) == 2 and all(c.isascii() and c.isalnum() for c in around):
                characters[place] = "."
    return Folded("".join(characters), [*starts, len(text)], with_stops)


def _read(text: str, at: int) -> tuple[str, int]:
    """Return how the character at ``at`` reads, and where the next one begins."""
    character = text[at]
    if character == "&" and (entity := _ENTITY.match(text, at)):
        decoded = html.unescape(entity[0])
        if decoded != entity[0]:
            return "".join(map(_narrow, decoded)), entity.end()
    if character == "\\" and text[at + 1 : at + 2] in _PUNCTUATION:
        return text[at + 1], at + 2
    if character == "：" and text[at + 1 : at + 2] in {"/", "／"}:
        return ":", at + 1
    return _narrow(character), at + 1


def _narrow(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1 or not plain.isascii():
        return character
    # Wide commas and the like end an address, as in "https://a.example/，": they stay wide.
    return plain if plain.isalnum() or plain in _IN_ADDRESSES else character


def find_addresses(text: str, *, code: bool = False) -> list[Address]:
    """Return the addresses in a text, in order, none within another.

    In ``code`` nothing is an address that does not name its scheme: ``user.id`` is none.

    >>> [found.written for found in find_addresses("(evil.example:80/x?d=1), README.md, 3.5, z.B.")]
    ['evil.example:80/x?d=1']
    """
    folded = fold(text)
    found: list[Address] = []
    taken = bytearray(len(folded.text))
    spans = list(_spans(folded.text, code=code))
    if folded.with_stops != folded.text:
        spans += _spans(folded.with_stops, code=code)
    for start, end, bare in spans:
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            places = folded.starts[start : end + 1]
            found.append(Address(folded.text[start:end], places, bare))
    return sorted(found, key=lambda address: address.start)


def _spans(text: str, *, code: bool) -> Iterator[tuple[int, int, bool]]:
    """Yield start and end of what may be an address; what is surer comes first."""

    def spans(pattern: re.Pattern[str]) -> Iterator[tuple[int, int, bool]]:
        for match in pattern.finditer(text):
            if length := len(_trimmed(match[0])):
                yield match.start(), match.start() + length, False

    yield from spans(_SCHEMED)
    if code:
        return
    yield from spans(_UNSCHEMED)
    for pattern in (_ASCII_HOST, _HOST):
        at = 0
        while match := pattern.search(text, at):
            at = match.end("host")  # what follows a name that is no host may hold one
            if (bare := _is_bare(match)) is not None:
                at = match.start() + len(_trimmed(match[0]))
                yield match.start(), at, bare


def _is_bare(match: re.Match[str]) -> bool | None:
    """Tell whether a name without a scheme is a bare host; None: it is no host at all."""
    host, last, port = match["host"], match["last"].lower(), match["port"]
    rest = _trimmed(match["rest"] or "")
    if _IPV4.fullmatch(host):
        return None if not (port or rest) or _BLOCK.fullmatch(rest) else False
    if rest and (_is_domain(last) or last in _RESERVED):
        return False
    if last in _RESERVED:
        return False if port else None
    if last in _FILE_SUFFIXES:  # main.py:12 is a line
        return None
    if port:
        return False if _is_domain(last) else None
    return True if _is_linked(host) else None


@cache
def _domains() -> frozenset[str]:
    """Return all top-level domains, as they are registered and as they read."""
    names = [name.lower() for name in TLDS]
    return frozenset([*names, *(n.encode().decode("idna") for n in names if n.startswith("xn--"))])


@cache
def _linkifier() -> LinkifyIt:
    return LinkifyIt()


def _is_domain(label: str) -> bool:
    return label in _domains()


def _is_linked(host: str) -> bool:
    """Tell whether the linkifier of markdown-it, as it is by default, makes a link of a name."""
    return bool(_linkifier().test(host))


def address_key(written: str) -> str | None:
    """Return where an address leads, as a browser writes it; None: nowhere.

    A name without a scheme is reached by https, and http leads to the same owner.

    >>> address_key("HTTP://Ex%61mple。org:80/a"), address_key("www.example.org")
    ('//example.org/a', '//www.example.org/')
    >>> address_key("https://good.example@evil.example")
    '//good.example@evil.example/'
    """
    if "@" in written and re.fullmatch(r"[^\s/:?#\\]+@[^\s/:?#\\@]+", written):
        written = f"mailto:{written.lower()}"
    elif written[:2] in {"//", "\\\\", "/\\", "\\/"}:
        written = f"https:{written}"
    elif not re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", written, re.IGNORECASE):
        written = f"https://{written}"
    try:
        href = URL(written).href
    except (ValueError, UnicodeEncodeError):
        return None
    return re.sub(r"^https?:", "", href)


def target_keys(target: str) -> set[str]:
    """Return where the target of a link in Markdown may lead: by itself, or as an address.

    >>> sorted(target_keys("www.example.org/a"))
    ['//www.example.org/a', 'www.example.org/a']
    """
    plain = re.sub(r"[\t\r\n]", "", target).strip()
    key = address_key(plain)
    if re.match(r"[a-z][a-z0-9+.-]*:|[/\\]{2}", plain, re.IGNORECASE):
        return {key} if key else set()
    return {plain, key} if key and "." in plain else {plain}


def forms(written: str) -> list[str]:
    """Return how far an address may reach: to a blank, a Chinese stop, the end of ASCII.

    >>> forms("https://a.example/水泵，谢谢。")
    ['https://a.example/水泵，谢谢', 'https://a.example/水泵', 'https://a.example/']
    """
    ascii_start = _ASCII_START.match(written)
    whole, to_stop = _trimmed(written), _trimmed(_CJK_STOP.split(written, maxsplit=1)[0])
    return [whole, to_stop, _trimmed(ascii_start[0])] if ascii_start else [whole, to_stop]


def _trimmed(address: str) -> str:
    """Leave out the punctuation that ends the sentence, not the address."""
    unpaired = {")": address.count(")") - address.count("("), "]": 0}
    unpaired["]"] = address.count("]") - address.count("[")
    end = len(address)
    while end:
        last = address[end - 1]
        if unpaired.get(last, 0) > 0:
            unpaired[last] -= 1
        elif last not in _TRAILING and not _CJK_STOP.match(last):
            break
        end -= 1
    return address[:end]
