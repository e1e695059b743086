"""Markdown files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.markdown import MarkdownLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document

MANUAL = """---
title: "Pumpe P-300"
lang: de
author: Ada
tags: [a, b]
---
Vorwort ohne Überschrift.

# Handbuch *der* Pumpe

Ein [Verweis](https://example.org/x "t"), `Code` und ![ein Bild](x.png).
Zweite Zeile.

## Pflege

1. spülen
2. trocknen
   - gut

> Zitat

| Modell | Gewicht |
|--------|--------:|
| P-300  | 12 **kg** |
| P-500  |         |

```sh
rinse --all   # *not* markup
```

## Störung

<div>HTML <b>bleibt</b><script>nicht()</script></div>

Zeile<br>Umbruch &amp; <script>alert(1)</script> Ende
"""


@pytest.fixture
def loader(sandbox: Sandbox) -> MarkdownLoader:
    return MarkdownLoader(sandbox=sandbox)


def test_a_reader_sees_the_text_and_no_markup(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    document = load_one(loader, "handbuch.md", MANUAL)
    assert document.text == (
        "Vorwort ohne Überschrift.\n\n"
        "Handbuch der Pumpe\n\n"
        "Ein Verweis, Code und ein Bild. Zweite Zeile.\n\n"
        "Pflege\n\n"
        "1. spülen\n2. trocknen\ngut\n\n"
        "Zitat\n\n"
        "Modell: P-300 | Gewicht: 12 kg\nModell: P-500\n\n"
        "rinse --all   # *not* markup\n\n"
        "Störung\n\n"
        "HTML bleibt\n\n"
        "Zeile\nUmbruch &  Ende"
    )


def test_headings_are_sections_and_front_matter_is_metadata(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    document = load_one(loader, "handbuch.md", MANUAL)
    assert document.title == "Pumpe P-300"
    assert document.language_hint == "de"
    assert document.metadata == {"format": "markdown", "encoding": "utf-8", "author": "Ada"}
    found = [(span.section, document.text[span.start : span.end]) for span in document.spans]
    assert [section for section, _ in found] == [
        ("Handbuch der Pumpe",),
        ("Handbuch der Pumpe", "Pflege"),
        ("Handbuch der Pumpe", "Störung"),
    ]
    assert found[1][1].startswith("Pflege\n\n1. spülen")
    assert found[1][1].rstrip().endswith("# *not* markup")
    assert document.text[: document.spans[0].start].strip() == "Vorwort ohne Überschrift."


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# 浄水器の**手引き**\n\n本文", "浄水器の手引き"),
        ("## Only a second level\n\ntext", ""),
        ("Überschrift\n===\n\nText", "Überschrift"),
        ("no heading", ""),
        ("---\nbroken: [\n\n# Not front matter", "Not front matter"),
    ],
)
def test_the_title_is_the_first_heading_of_the_first_level(
    loader: MarkdownLoader, load_one: Callable[..., Document], text: str, title: str
) -> None:
    assert load_one(loader, "note.md", text).title == title


def test_lines_of_unspaced_scripts_are_joined_without_a_blank(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    document = load_one(loader, "a.md", "水泵每分钟\n送水三百升。\n\nEin\nSatz.")
    assert document.text == "水泵每分钟送水三百升。\n\nEin Satz."


def test_skipped_levels_and_returns_give_the_right_path(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    document = load_one(loader, "a.md", "# A\n\n### C\n\n## B\n\n# D\n\nend")
    assert [span.section for span in document.spans] == [("A",), ("A", "C"), ("A", "B"), ("D",)]


def test_footnotes_are_text_and_their_marks_are_not(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    text = (
        "Trout spawn late.[^1] Pike do not.[^none]\n\n"
        "[^1]: In *November*.\n\n    In brooks.\n\n[^unused]: Carp neither.\n\n# Next\n"
    )
    assert load_one(loader, "a.md", text).text == (
        "Trout spawn late. Pike do not.[^none]\n\nIn November.\n\nIn brooks.\n\nCarp neither.\n\n"
        "Next"
    )


def test_a_bar_in_a_cell_is_no_end_of_it(
    loader: MarkdownLoader, load_one: Callable[..., Document]
) -> None:
    table = "| Fish | Size |\n|---|---|\n| Pike \\| old | 90 cm |\n"
    assert load_one(loader, "a.md", table).text == "Fish: Pike|old | Size: 90 cm"
