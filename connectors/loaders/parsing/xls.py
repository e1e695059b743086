"""XLS by xlrd: the sheets that are seen, with numbers and dates as they are shown.

calamine is faster, but gives bare numbers where a reader sees dates, percents or money.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import olefile
import xlrd

from rag_engine.connectors.loaders.parsing.blocks import Block, write
from rag_engine.connectors.loaders.parsing.cleaning import one_line
from rag_engine.connectors.loaders.parsing.number_formats import (
    BUILT_IN,
    general,
    shown,
    shown_text,
)
from rag_engine.connectors.loaders.parsing.ole import check_ole
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused
from rag_engine.connectors.loaders.parsing.sheets import (
    Merged,
    Sheet,
    hidden_sheets,
    sheet_blocks,
)

__all__ = ["parse"]

_OLDEST = (b"\x09\x00", b"\x09\x02", b"\x09\x04")
"""How files of Excel 2 to 4 begin, which are no compound files."""

_STREAMS = ("Workbook", "Book")
_BOLD = 600


def parse(data: bytes, name: str) -> Parsed:
    """Read a workbook of Excel 97 to 2003, or an older one, as ``xlsx.parse`` does.

    Raises:
        Refused: it is no XLS, or is encrypted or damaged.
    """
    if not data.startswith(_OLDEST):
        check_ole(data, kind="XLS", streams=_STREAMS, new=".xlsx")
    try:
        book = xlrd.open_workbook(
            file_contents=_records(data),
            formatting_info=True,
            logfile=io.StringIO(),
            on_demand=True,
        )
        outline, hidden, count = _read(book)
    except (MemoryError, Refused):
        raise
    except Exception as error:
        # xlrd raises whatever its structures raise: XLRDError, struct.error, IndexError ...
        if "encrypted" in str(error).lower():
            raise Refused("it is encrypted; store it without a password") from error
        raise Refused(f"it is damaged ({type(error).__name__}: {error!s:.150})") from error
    return Parsed(
        text=outline.text,
        stretches=outline.stretches(),
        metadata={"sheets": count, **hidden_sheets(hidden)},
    )


def _records(data: bytes) -> bytes:
    """Return the records of a workbook; xlrd never ends where its compound file is a circle."""
    if data.startswith(_OLDEST):
        return data
    with olefile.OleFileIO(io.BytesIO(data)) as file:
        name = next(name for name in _STREAMS if file.exists(name))
        found: bytes = file.openstream(name).read()
        return found


def _read(book: Any) -> tuple[Outline, list[str], int]:
    outline = Outline()
    hidden = []
    count = 0
    for index, title in enumerate(book.sheet_names()):
        page = book.sheet_by_index(index)
        if page.visibility:
            hidden.append(one_line(title))
        else:
            count += 1
            blocks = [*sheet_blocks(_sheet(book, page)), *_comments(page)]
            if blocks:
                write([Block(one_line(title), level=1), *blocks], outline)
        book.unload_sheet(index)
    return outline, hidden, count


def _sheet(book: Any, page: Any) -> Sheet:
    sheet = Sheet(page.name)
    hidden_columns = {column for column, info in page.colinfo_map.items() if info.hidden}
    sheet.hidden = {row for row, info in page.rowinfo_map.items() if info.hidden}
    for row in range(page.nrows):
        if row in sheet.hidden:
            continue
        for column, cell in enumerate(page.row(row)):
            if cell.ctype and column not in hidden_columns:
                style = book.xf_list[cell.xf_index]
                bold = book.font_list[style.font_index].weight >= _BOLD
                sheet.put(row, column, _text(book, cell, style), bold=bold)
    for top, bottom, left, right in page.merged_cells:
        sheet.merged.append(Merged(top, left, bottom, right))
    if page.panes_are_frozen and page.horz_split_pos:
        sheet.headers.add(page.horz_split_pos - 1)
    return sheet


def _text(book: Any, cell: Any, style: Any) -> str:
    key = style.format_key
    known = book.format_map.get(key)
    code = BUILT_IN.get(key) or (known.format_str if known else "General")
    match cell.ctype:
        case xlrd.XL_CELL_TEXT:
            return shown_text(str(cell.value), code)
        case xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, ""))
        case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE:
            if code.lower() == "general":
                return general(cell.value)
            return shown(cell.value, code, from_1904=book.datemode == 1)
    return ""


def _comments(page: Any) -> Iterator[Block]:
    for _, note in sorted(page.cell_note_map.items()):
        author, text = one_line(note.author or ""), (note.text or "").strip()
        if text:
            yield Block(f"{author}: {text}" if author and not text.startswith(author) else text)
