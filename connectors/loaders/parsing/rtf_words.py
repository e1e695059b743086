"""The control words of RTF that matter for text, by what they do."""

from __future__ import annotations

__all__ = ["BREAKS", "KNOWN", "MARGINS", "PROPERTIES", "SINKS", "SKIPPED", "STORIES"]

SKIPPED = frozenset(
    {
        *("colortbl", "filetbl", "pict", "nonshppict", "shprslt", "xe", "tc", "tcn", "txe", "rxe"),
        *("bkmkstart", "bkmkend", "objdata", "themedata", "private", "ftnsep", "ftnsepc"),
        *("aftnsep", "aftnsepc", "atnid", "atndate", "atnref", "atntime", "atnicn", "sp"),
        *("mmathPict", "moMathParaPr"),
    }
)
"""Groups whose text is no text of the document."""

KNOWN = frozenset(
    {"moMathPara", "nestrow", "object", "result", "shpinst", "shppict", "shptxt", "ud"}
)
"""Groups that a reader who does not know them would skip, but which hold text."""

STORIES = frozenset({"annotation", "footnote", "shptxt"})
"""Groups that are a text of their own."""

MARGINS = frozenset(
    {f"{kind}{page}" for kind in ("header", "footer") for page in ("", "f", "l", "r")}
)
"""The heads and feet of pages."""

SINKS = frozenset(
    {"atnauthor", "fldinst", "fonttbl", "info", "listtext", "pntext", "stylesheet", "title"}
)
"""Groups whose text says something about the document."""

PROPERTIES = frozenset(
    {
        *(
            "ansicpg",
            "cellx",
            "clmrg",
            "clvmrg",
            "cpg",
            "deff",
            "deleted",
            "f",
            "fcharset",
            "intbl",
            "mac",
        ),
        *("outlinelevel", "pard", "pc", "pca", "plain", "s", "trhdr", "trowd", "uc", "v"),
        *("dn", "nosupersub", "sub", "super", "up"),
    }
)
"""Words that change how what follows is read."""

BREAKS = frozenset({"cell", "nestrow", "page", "par", "row", "sect", "\n", "\r"})
"""Words that end a paragraph, a cell or a row."""
