"""Languages part no section: without them a file has the spans that it has where none is said."""

from __future__ import annotations

import random
from dataclasses import replace
from email.message import EmailMessage

import pytest

from rag_engine.connectors.loaders.parsed_document import document_of
from rag_engine.connectors.loaders.parsing import eml
from rag_engine.connectors.loaders.parsing.outline import Outline
from rag_engine.connectors.loaders.parsing.parsed import Parsed
from rag_engine.records import Span
from rag_engine.text.stated_languages import without_languages

STEPS = ("add", "add", "add", "speak", "speak", "heading", "section", "leave", "page", "insert")


def written(seed: int, *, says: bool, depth: int = 0) -> Outline:
    """Return an outline of drawn steps, the same for each seed whether languages are said."""
    drawn = random.Random(seed)
    whole = drawn.choice((None, "de", "en"))
    outline = Outline(whole if says else None)
    for number in range(12):
        step = drawn.choice(STEPS)
        if step == "add":
            separator = drawn.choice(("\n", "\n\n"))
            outline.add(drawn.choice(("Eins.", "Zwei zwei.")), separator=separator)
        elif step == "speak":
            code = drawn.choice((None, "de", "en", "da"))
            outline.speak(code if says else None)
        elif step == "heading":
            outline.heading(drawn.choice((1, 2)), drawn.choice(("A", "B")))
        elif step == "section":
            outline.begin_section(*drawn.choice((("A",), ("A", "B"), ())))
        elif step == "leave":
            outline.leave_sections()
        elif step == "page":
            if depth:
                continue  # no file with pages is inserted on a page of another
            outline.begin_page(drawn.choice((1, 2)))
        elif depth < 2:
            inner = written(seed * 31 + number, says=says, depth=depth + 1)
            outline.insert(inner.text, inner.stretches(), drawn.choice(("a.html", "b.html")))
    return outline


def spans_of(outline: Outline) -> list[Span]:
    """Return the spans without languages and without the blanks at their ends.

    What lies before the first one is one, too.
    """
    parsed = Parsed(text=outline.text, stretches=outline.stretches())
    spans = without_languages(document_of(parsed, "a", "test").spans)
    first = spans[0].start if spans else len(outline)
    if first:
        spans.insert(0, Span(start=0, end=first))
    ends = [span.start + len(parsed.text[span.start : span.end].rstrip()) for span in spans]
    return [replace(span, end=end) for span, end in zip(spans, ends, strict=True)]


@pytest.mark.parametrize("first", range(0, 2_000, 200))
def test_languages_part_nothing_else(first: int) -> None:
    stated = 0
    for seed in range(first, first + 200):
        said, silent = written(seed, says=True), written(seed, says=False)
        assert said.text == silent.text
        assert spans_of(said) == spans_of(silent), seed
        stated += any(stretch.language for stretch in said.stretches())
    assert stated > 100


def test_two_attachments_of_one_name_stay_two() -> None:
    message = EmailMessage()
    message.set_content("Anbei.")
    for code, text in (("de", "Die Halle ist offen."), ("en", "The hall is open.")):
        page = f"<html lang='{code}'><body><p>{text}</p></body></html>"
        message.add_attachment(page, subtype="html", filename="page.html")
    parsed = eml.parse(bytes(message), "a.eml")
    spans = without_languages(document_of(parsed, "a", "eml").spans)
    assert [parsed.text[span.start : span.end] for span in spans if span.section] == [
        "Die Halle ist offen.",
        "The hall is open.",
    ]
