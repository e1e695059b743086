"""RTF: paragraphs with their headings, lists, tables, notes and comments.

striprtf gives the text alone: no headings, no cells that span, no notes, no ruby.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.field_codes import ruby_base
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.page_numbers import (
    PAGE_NUMBER,
    counts_pages,
    texts_of_margins,
)
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.rtf_fonts import DEFAULT_FONT, Fonts
from rag_engine.connectors.loaders.parsing.rtf_formulas import Formula
from rag_engine.connectors.loaders.parsing.rtf_story import RowForm, Story
from rag_engine.connectors.loaders.parsing.rtf_styles import StyleSheet
from rag_engine.connectors.loaders.parsing.rtf_tokens import SIGNS, tokens
from rag_engine.connectors.loaders.parsing.rtf_words import (
    BREAKS,
    KNOWN,
    MARGINS,
    PROPERTIES,
    SINKS,
    SKIPPED,
    STORIES,
)

__all__ = ["is_rtf", "parse", "shown_blocks"]

_BEGINNING = re.compile(rb"\s*(?:\xef\xbb\xbf)?\{\\rtf")
_DEEPEST = 20_000


@dataclass(frozen=True, slots=True)
class _State:
    """What holds in a group, and what an inner one begins with."""

    sink: str = "text"
    font: int = DEFAULT_FONT
    skip: int = 1
    hidden: bool = False
    raised: bool = False
    style: int = -1
    level: int | None = None
    in_table: bool = False


def parse(data: bytes, name: str) -> Parsed:
    """Read an RTF file: its body, then notes, comments, and the heads and feet of its pages.

    Raises:
        Refused: it is no RTF.
        RefusedByLimit: its groups are nested too deeply.
    """
    if not data.strip():
        raise Refused("it is empty")
    reader = _read(data)
    blocks = reader.body.end()
    outline = Outline()
    write(blocks, outline)
    outline.leave_sections()
    write(reader.beside(), outline)
    first = next((block.text for block in blocks if block.level is not None), "")
    title = one_line(reader.title) or next((b.text for b in blocks if b.level == 0), "")
    return Parsed(text=outline.text, title=title or one_line(first), stretches=outline.stretches())


def is_rtf(data: bytes) -> bool:
    """Tell whether bytes begin as RTF does."""
    return _BEGINNING.match(data) is not None


def shown_blocks(data: bytes) -> list[Block]:
    """Return all that is shown of a text which is a part of something else.

    Raises:
        Refused: it is no RTF.
        RefusedByLimit: its groups are nested too deeply.
    """
    reader = _read(data)
    return [*reader.body.end(), *reader.beside()]


def _read(data: bytes) -> _Reader:
    if not is_rtf(data):
        raise Refused("it is no RTF: it does not begin with {\\rtf")
    reader = _Reader()
    reader.read(data)
    return reader


class _Reader:
    """Reads the tokens of a file once."""

    def __init__(self) -> None:
        self.body = Story()
        self.title = ""
        self._notes: list[Story] = []
        self._comments: list[tuple[str, Story]] = []
        self._margins: list[Story] = []
        self._state = _State()
        self._groups: list[tuple[_State, Story | None, str]] = []
        self._story = self.body
        self._form = RowForm()
        self._fonts = Fonts()
        self._styles = StyleSheet()
        self._to_skip = 0
        self._star = self._fresh = False
        self._written = ""  # into what is no text: a name, a field's code
        self._author = ""
        self._skip_group = False
        self._formula = Formula()

    def beside(self) -> list[Block]:
        """Return what stands beside the body; heads and feet once, without what counts pages."""
        blocks = [block for story in self._notes for block in story.end()]
        for author, story in self._comments:
            text = "\n".join(block.text for block in story.end())
            blocks.append(Block(f"{author}: {text}" if author and text.strip() else text))
        margins = (block for story in self._margins for block in story.end())
        return [*blocks, *texts_of_margins(margins)]

    def read(self, data: bytes) -> None:
        """Read a whole file."""
        for kind, text, number in tokens(data):
            if kind == "{":
                self._open()
            elif kind == "}":
                if not self._groups:
                    return  # what follows the file's one group is none of its text
                self._close()
            elif kind == "word":
                self._word(text, number)
            else:
                self._take(text)
            self._fresh = kind == "{" or (self._fresh and kind == "word" and text == "*")

    def _open(self) -> None:
        if len(self._groups) >= _DEEPEST:
            raise RefusedByLimit("its groups are nested too deeply")
        self._groups.append((self._state, None, self._written))
        self._star = False
        self._to_skip = 0
        self._formula.open()
        if self._skip_group:
            self._skip_group = False
            self._begin("skip")

    def _close(self) -> None:
        ended = self._state
        state, story, written = self._groups.pop()
        self._state = state
        self._to_skip = 0
        self._formula.close()
        if story is not None:
            self._end_story(story)
        if ended.sink == state.sink:
            return
        said, self._written = self._written, written
        match ended.sink:
            case "math":
                self._put(f" {self._formula.text} ")
            case "title":
                self.title = said
            case "atnauthor":
                self._author = one_line(said)
            case "fldinst":
                self._instruction(said)
            case "listtext" | "pntext":
                self._story.label = said

    def _end_story(self, outer: Story) -> None:
        story, self._story = self._story, outer
        if story in self._notes or story in self._margins:
            return
        if not any(story is comment for _, comment in self._comments):
            outer.boxes += story.end()

    def _begin(self, sink: str) -> None:
        self._state = replace(self._state, sink=sink)
        self._written = ""

    def _begin_story(self, name: str) -> None:
        if not self._groups:
            return
        state, _, written = self._groups[-1]
        self._groups[-1] = (state, self._story, written)
        self._story = Story()
        self._state = replace(self._state, sink="text", in_table=False, level=None)
        if name == "footnote":
            self._notes.append(self._story)
        elif name == "annotation":
            self._comments.append((self._author, self._story))
            self._author = ""
        elif name in MARGINS:
            self._margins.append(self._story)

    def _word(self, word: str, number: int | None) -> None:
        if self._to_skip and word not in {"u", "*"}:
            is_sign = not word.isalpha()
            self._to_skip = self._to_skip - 1 if is_sign else 0
            if is_sign:
                return
        if word == "*":
            self._star = True
            return
        starred, self._star = self._star, False
        if self._fresh and self._destination(word, starred=starred):
            return
        if self._state.sink == "skip":
            return
        if word == "u" and number is not None:
            self._to_skip = self._state.skip
            self._put(self._fonts.sign(number & 0xFFFF, self._state.font))
        elif word in PROPERTIES:
            self._property(word, number)
        elif word in BREAKS:
            self._break(word)
        elif word in {"chpgn", "sectnum"}:
            self._put(PAGE_NUMBER if self._story in self._margins else "")
        elif word in SIGNS:
            self._put(SIGNS[word])
        elif word in {"{", "}", "\\"}:
            self._take(word)

    def _destination(self, word: str, *, starred: bool) -> bool:
        """Take the first word of a group, which tells what the group is for."""
        sink = self._state.sink
        if sink == "skip":
            return True
        if word in SKIPPED:
            self._begin("skip")
            return True
        if word == "upr":  # the same text twice: in a code page, then in Unicode
            self._skip_group = True
            return True
        if word == "moMath":
            self._begin("math")
            self._formula = Formula()
            return True
        if sink == "math":
            self._formula.name(word)
            return True
        if word in STORIES or word in MARGINS:
            self._begin_story(word)
            return True
        if word in SINKS and not (word == "title" and sink != "info"):
            self._begin(word)
            return True
        if sink == "info":
            self._begin("skip")
            return True
        if starred and word not in KNOWN and word not in PROPERTIES:
            self._begin("skip")
            return True
        return False

    def _property(self, word: str, number: int | None) -> None:
        state = self._state
        match word:
            case "f":
                self._state = replace(state, font=number or 0)
            case "fcharset" if state.sink == "fonttbl":
                self._fonts.describe(state.font, charset=number or 0)
            case "cpg" if state.sink == "fonttbl":
                self._fonts.describe(state.font, page=number or 0)
            case "ansicpg":
                self._fonts.set_default(f"cp{number}")
            case "mac" | "pc" | "pca":
                self._fonts.set_default({"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word])
            case "deff":
                self._fonts.usual = number or 0
            case "uc":
                self._state = replace(state, skip=min(max(number or 0, 0), 100))
            case "v" | "deleted":
                self._state = replace(state, hidden=number != 0)
            case "super" | "up":
                self._state = replace(state, raised=number != 0)
            case "sub" | "dn" | "nosupersub":
                self._state = replace(state, raised=False)
            case "plain":
                self._state = replace(state, hidden=False, raised=False, font=DEFAULT_FONT)
            case "pard":
                self._state = replace(state, style=-1, level=None, in_table=False)
            case "s":
                self._state = replace(state, style=number or 0)
            case "outlinelevel" if state.sink == "stylesheet":
                self._styles.outlined(state.style, number or 0)
            case "outlinelevel":
                self._state = replace(state, level=number)
            case "intbl":
                self._state = replace(state, in_table=True)
            case "trowd":
                self._form = RowForm()
            case "trhdr":
                self._form.header = True
            case "clmrg":
                self._form.across = True
            case "clvmrg":
                self._form.down = True
            case "cellx":
                self._form.cell(number or 0)

    def _break(self, word: str) -> None:
        if self._state.sink != "text":
            return
        if word == "cell":
            self._story.end_cell()
        elif word == "row":
            self._story.end_row(self._form)
        else:
            heading = self._styles.heading(self._state.style, self._state.level)
            self._story.paragraph(heading, in_table=self._state.in_table)

    def _take(self, text: str) -> None:
        """Take text whose signs are bytes of a code page."""
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        if not text or self._state.sink == "skip":
            return
        if self._state.sink == "fonttbl":
            self._fonts.name(self._state.font, text)
        else:
            self._put(self._fonts.decode(text, self._state.font))

    def _put(self, text: str) -> None:
        state = self._state
        if state.sink == "text":
            if not state.hidden:
                self._story.put(text, is_raised=state.raised)
        elif state.sink == "math":
            self._formula.put(text)
        elif state.sink == "stylesheet":
            self._written += text
            if ";" in text:
                self._styles.called(state.style, self._written.partition(";")[0].strip())
                self._written = ""
        elif state.sink != "skip":
            self._written += text

    def _instruction(self, code: str) -> None:
        """Take a field's code: what of it is shown, where its result says nothing."""
        base = ruby_base(code)
        if base:
            self._put(base)
        elif counts_pages(code) and self._story in self._margins:
            self._put(PAGE_NUMBER)
