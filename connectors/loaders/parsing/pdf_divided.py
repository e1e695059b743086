r"""Words that a hyphen divides at the end of a line: which were divided, and which are written so.

The hyphen at the end of a line is a division's or the word's own, and nothing on the page says
which. The rule, the first that applies:

1.  Without a letter or digit on both sides nothing is divided (``Temperatur -``, ``5 - 7``).
2.  Beside a digit the hyphen belongs to a number or a code: ``378-`` + ``4`` is ``378-4``. The
    same in names of files, hosts and mail boxes (a sign of ``/ @ _ \`` before), and in Hebrew and
    Arabic, whose words are not divided.
3.  One letter alone is never divided off (``E-Mail``, ``x-ray``); nor is what follows a short word
    between two hyphens (``up-to-`` + ``date``, ``c'est-à-`` + ``dire``).
4.  A capital after the hyphen begins a part of a compound (``Nord-Süd``), unless all is in
    capitals and the parts are no words of the document (``OP-`` + ``TIONAL``).
5.  ``Ein-`` + ``und Ausgang``: a hyphen before a conjunction stands for a part left out, when no
    word of the document ends like that.
6.  What the document shows within its lines decides: the joined word, or the hyphenated one.
7.  Signs that are set for divisions alone (U+2010 where compounds have another hyphen, the soft
    hyphen, the Armenian one) divide.
8.  Compounds known to be written so (``peut-être``, ``кто-то``), and twice the same word
    (``anak-anak``), keep it; so do two words of the document if its lines hold such compounds, or
    if it divides no other words.
9.  What is left was divided: no other reason is as frequent for a small letter after a hyphen.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from rag_engine.connectors.loaders.parsing.bidi_order import is_right_to_left
from rag_engine.connectors.loaders.parsing.cleaning import join_lines

__all__ = ["LineEnds", "is_divided", "is_open"]

_HYPHENS = frozenset("-\u2010\u00ad\u058a")
_ONLY_DIVIDING = "\u00ad\u058a"
_MARKS = "".join(map(chr, (*range(0x300, 0x370), 0x200C, 0x200D)))
_WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{_MARKS}'’\u0900-\u0dff\u0e00-\u0eff])*+")
_COMPOUND = re.compile(rf"(?<!\w)(?:{_WORD.pattern})(?:[-\u2010\u2011](?:{_WORD.pattern}))+")
_TECHNICAL = re.compile(r"[/@_\\]")
_LONGEST_LINK = 3
_FEWEST_LETTERS = 3
_FEWEST_DOUBLED = 4

_CONJUNCTION = re.compile(
    "and|or|to|und|oder|bzw|sowie|bis|noch|en|of|och|eller|og|et|ou|y|e|o|u|i|ja|tai|és|vagy|nebo"
    "|lub|oraz|oz|ali|sau|și|ve|veya|и|или|та|або",
    re.IGNORECASE,
)
"""Words after which the part comes that was left out; and before the hyphen stands its like."""
_CERTAIN_CONJUNCTION = re.compile("und|oder|bzw|sowie|och|eller|og|oraz|.")
"""Those that no division leaves over: no syllable of their languages is spelt so after a break."""

_KNOWN = re.compile(
    r"peut-être|c[’']est-à-dire|(?:self|well)-(?!ness)\w{4,}"
    r"|\w+-(?:t-)?(?:ils?|elles?|même|mêmes|ci|là)"
    r"|(?:кто|что|где|как|когда|куда|какой|чей|почему)-(?:то|нибудь|либо)|кое-\w+|из-(?:за|под)"
    r"|по-\w+(?:ски|ому|ему)|во-первых|в[оа]?-\w+(?:ых|их)",
    re.IGNORECASE,
)


def is_open(line: str, following: str) -> bool:
    """Tell whether a line ends in a hyphen that something goes before and after without a blank.

    >>> is_open("nach EN 378-", "4 und"), is_open("Temperatur -", "5 Grad")
    (True, False)
    """
    return _ends_open(line) and following[:1].isalnum()


def is_divided(line: str, following: str) -> bool:
    """Tell whether a line ends in a hyphen behind a letter and the next goes on in small letters.

    >>> is_divided("die Sicherheits-", "prüfung"), is_divided("Nord-", "Süd")
    (True, False)
    """
    return (
        is_open(line, following)
        and not line[-2].isdigit()
        and not following[0].isdigit()
        and not following[0].isupper()
        and not is_right_to_left(following[0])
    )


class LineEnds:
    """Joins lines of one document, whose words tell what a hyphen at a line's end is.

    >>> ends = LineEnds(["a well-known pump", "die Ventile,", "in DIN 378-", "4 und"])
    >>> ends.join("die Sicherheits-", "ventile")
    'die Sicherheitsventile'
    >>> ends.join("nach DIN 378-", "4 sonst"), ends.join("per E-", "Mail")
    ('nach DIN 378-4 sonst', 'per E-Mail')
    >>> ends.join("a well-", "known one"), ends.join("Ein-", "und Ausgang")
    ('a well-known one', 'Ein- und Ausgang')
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines

    def join(self, line: str, following: str) -> str:
        """Join two lines of one paragraph.

        What a hyphen divides becomes one word; blanks are set where the script sets them.
        """
        if not is_open(line, following):
            return line + following if line.endswith("־") else join_lines(line, following)
        left, hyphen = line[:-1].rsplit(None, 1)[-1], line[-1]
        right = following.split(None, 1)[0]
        kept = "-" if hyphen == "\u00ad" else hyphen
        match self._kind(left, right, hyphen):
            case "divided":
                return f"{line[:-1]}{following}"
            case "left out":
                return f"{line[:-1]}{kept} {following}"
            case _:
                return f"{line[:-1]}{kept}{following}"

    def _kind(self, left: str, right: str, hyphen: str) -> str:
        if left[-1].isdigit() or right[0].isdigit() or _TECHNICAL.search(left):
            return "written"
        if is_right_to_left(left[-1]) or is_right_to_left(right[0]):
            return "written"
        last = re.split(r"[-\u2010\u2011]", left)[-1]
        before = _last_word(last)
        after = _first_word(right)
        if right[0].isupper():
            return self._kind_of_capitals(before, after)
        if self._leaves_out(before, after):
            return "left out"
        if min(_letters(before), _letters(after)) < 2 or _is_link(left, before):
            return "written"
        return self._kind_of_small(before, after, hyphen)

    def _kind_of_capitals(self, before: str, after: str) -> str:
        capitals = before.isupper() and after.isupper() and min(len(before), len(after)) > 1
        if not capitals:
            return "written"
        joined, hyphenated = self._seen(before, after)
        if joined or hyphenated:
            return "divided" if joined > hyphenated else "written"
        both = before.casefold() in self._words and after.casefold() in self._words
        return "written" if both else "divided"

    def _leaves_out(self, before: str, after: str) -> bool:
        if not _CONJUNCTION.fullmatch(after) or self._seen(before, after)[0]:
            return False
        likes = self._suspended.get(after.casefold(), 0)
        return likes > 0 or _CERTAIN_CONJUNCTION.fullmatch(after) is not None

    def _kind_of_small(self, before: str, after: str, hyphen: str) -> str:
        joined, hyphenated = self._seen(before, after)
        if joined or hyphenated:
            return "divided" if joined >= hyphenated else "written"
        if hyphen in _ONLY_DIVIDING or (hyphen == "\u2010" and not self._writes_2010):
            return "divided"
        doubled = before.casefold() == after.casefold() and len(before) >= _FEWEST_DOUBLED
        if doubled or _KNOWN.fullmatch(f"{before}-{after}"):
            return "written"
        if self._both_words(before, after) and (self._small_compounds or not self._divides):
            return "written"
        return "divided"

    def _both_words(self, before: str, after: str) -> bool:
        return (
            min(_letters(before), _letters(after)) >= _FEWEST_LETTERS
            and before.casefold() in self._words
            and after in self._words_as_written
        )

    def _seen(self, before: str, after: str) -> tuple[int, int]:
        """Return how often lines hold the word as one, and with the hyphen."""
        one = self._words[f"{before}{after}".casefold()]
        return one, self._compounds[f"{before}-{after}".casefold()]

    @cached_property
    def _words_as_written(self) -> Counter[str]:
        """Words that stand within lines, but for the pieces at a line's divided end."""
        words: Counter[str] = Counter()
        open_before = False
        for line in self._lines:
            found = _WORD.findall(_COMPOUND.sub(" ", line))
            ends_open = _ends_open(line)
            start = int(open_before and bool(found) and line.startswith(found[0]))
            stop = len(found) - int(ends_open and bool(found) and line[:-1].endswith(found[-1]))
            words.update(found[start:stop])
            open_before = ends_open
        return words

    @cached_property
    def _words(self) -> Counter[str]:
        words: Counter[str] = Counter()
        for word, count in self._words_as_written.items():
            words[word.casefold()] += count
        return words

    @cached_property
    def _compounds(self) -> Counter[str]:
        """Words with hyphens that stand within lines, whole and each two neighbours of them."""
        found: Counter[str] = Counter()
        for each in (each for line in self._lines for each in _COMPOUND.findall(line)):
            parts = re.split(r"[-\u2010\u2011]", each.casefold())
            found.update(f"{a}-{b}" for a, b in pairwise(parts))
        return found

    @cached_property
    def _small_compounds(self) -> bool:
        """Whether compounds of two words in small letters stand within lines."""
        return any(
            not part[0].isupper() and _letters(part) >= _FEWEST_LETTERS
            for line in self._lines
            for each in _COMPOUND.findall(line)
            for part in re.split(r"[-\u2010\u2011]", each)[1:]
        )

    @cached_property
    def _writes_2010(self) -> bool:
        return any("\u2010" in line[:-1] for line in self._lines)

    @cached_property
    def _suspended(self) -> Counter[str]:
        """Conjunctions that stand within lines behind a hyphen."""
        pattern = re.compile(rf"[^\W\d_][-\u2010]\s({_WORD.pattern})")
        return Counter(
            word.casefold()
            for line in self._lines
            for word in pattern.findall(line)
            if _CONJUNCTION.fullmatch(word)
        )

    @cached_property
    def _divides(self) -> bool:
        """Whether a word is surely divided: its halves, not being words, are one elsewhere."""
        for line, following in pairwise(self._lines):
            if not is_divided(line, following):
                continue
            before, after = _last_word(line[:-1]), _first_word(following)
            joined = self._words[f"{before}{after}".casefold()]
            if joined or after not in self._words_as_written:
                return True
        return False


def _ends_open(line: str) -> bool:
    """Tell whether a line ends in a hyphen behind a letter or digit."""
    return line[-1:] in _HYPHENS and len(line) > 1 and _is_of_word(line[-2])


def _is_of_word(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LMN"


def _last_word(text: str) -> str:
    found = _WORD.findall(text)
    return found[-1] if found else text


def _first_word(text: str) -> str:
    found = _WORD.match(text)
    return found[0] if found else text


def _letters(text: str) -> int:
    return sum(unicodedata.category(each)[0] == "L" for each in text)


def _is_link(left: str, before: str) -> bool:
    """Tell whether a short word in small letters stands between hyphens: ``up-to-``."""
    return (
        len(before) <= _LONGEST_LINK
        and before.islower()
        and bool(re.search(rf"[^\W_][-\u2010\u2011]{re.escape(before)}$", left))
    )
