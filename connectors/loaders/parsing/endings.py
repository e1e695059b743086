"""Which parser reads a file, by the ending of its name: for what is attached to a mail."""

from __future__ import annotations

import io
from importlib import import_module
from types import ModuleType

from rag_engine.connectors.loaders.parsing.nesting import Nesting
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Refused, RefusedByLimit
from rag_engine.connectors.loaders.parsing.rows import RowOptions

__all__ = ["PARSER_OF_ENDING", "Unread", "parse_by_ending"]

PARSER_OF_ENDING: dict[str, str] = {
    **dict.fromkeys(("text", "txt"), "text"),
    **dict.fromkeys(("markdown", "md"), "markdown"),
    **dict.fromkeys(("htm", "html", "xhtml"), "html"),
    **dict.fromkeys(("fodp", "fods", "fodt", "odp", "ods", "odt", "otp", "ots", "ott"), "odf"),
    **dict.fromkeys(("docm", "docx", "dotm", "dotx"), "docx"),
    **dict.fromkeys(("potm", "potx", "ppsm", "ppsx", "pptm", "pptx"), "pptx"),
    **dict.fromkeys(("xlsm", "xlsx", "xltm", "xltx"), "xlsx"),
    **dict.fromkeys(("adoc", "asciidoc"), "asciidoc"),
    **dict.fromkeys(("rest", "rst"), "rst"),
    **dict.fromkeys(("srt", "vtt"), "subtitles"),
    **dict.fromkeys(("atom", "rss", "xml"), "xml"),
    "doc": "doc",
    "eml": "eml",
    "epub": "epub",
    "ipynb": "notebook",
    **dict.fromkeys(("mht", "mhtml"), "mht"),
    "msg": "msg",
    "pdf": "pdf",
    "po": "po",
    "ppt": "ppt",
    "rtf": "rtf",
    "xls": "xls",
    **dict.fromkeys(("csv", "tsv"), "table"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "jsonl"),
}
"""The modules beside this one, by the endings that they read."""

_MAILS = frozenset({"eml", "msg"})
_ROWS = frozenset({"jsonl", "table"})
_LONGEST_TEXT_OF_ROWS = 5_000_000


class Unread(Refused):
    """No parser reads files with its ending."""


def _parser_of(name: str) -> ModuleType:
    """Return the module that reads files with such a name.

    Raises:
        Unread: no parser does.
        Refused: a package that it needs is not installed.
    """
    parser = PARSER_OF_ENDING.get(name.rpartition(".")[2].lower())
    if parser is None or "." not in name:
        raise Unread("no parser reads files with its ending")
    try:
        return import_module(f"rag_engine.connectors.loaders.parsing.{parser}")
    except ImportError as error:
        raise Refused(
            f"the package {error.name!r} is not installed: pip install 'rag-engine[documents]'"
        ) from error


def parse_by_ending(data: bytes, name: str, *, within: Nesting | None = None) -> Parsed:
    """Parse a file by the parser of its ending; ``within`` is that of the mail it stands in.

    Raises:
        Unread: no parser reads such files.
        Refused: the parser is not installed, or refuses this one.
        RefusedByLimit: the file asks for more than it may have.
    """
    ending = name.rpartition(".")[2].lower()
    module = _parser_of(name)
    parser = PARSER_OF_ENDING[ending]
    if parser in _ROWS:
        return _rows(module, data, ending)
    parsed: Parsed
    if parser in _MAILS:
        within = within or Nesting()
        if within.is_full:
            raise Refused("mails are nested too deeply")
        parsed = module.parse(data, name, within.inner())
    else:
        parsed = module.parse(data, name)
    return parsed


def _rows(module: object, data: bytes, ending: str) -> Parsed:
    """Return a file of rows as one text."""
    options = RowOptions(format="jsonl" if ending == "ndjson" else ending, max_bytes=len(data))
    texts: list[str] = []
    problems: list[str] = []
    size = 0
    for row in module.rows(io.BytesIO(data), options):  # type: ignore[attr-defined]
        if isinstance(row, str):
            problems.append(row)
            continue
        texts.append("\n".join(filter(None, (row.title, row.text))))
        size += len(texts[-1])
        if size > _LONGEST_TEXT_OF_ROWS:
            raise RefusedByLimit("it has too many rows for an attachment; index it as a file")
    return Parsed(text="\n\n".join(texts), problems=tuple(problems[:10]))
