"""What the loaders of images and PDF files share: pages read by OCR become a document's text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rag_engine.connectors.loaders.ocr.document_pages import PageRead
from rag_engine.connectors.loaders.ocr.page_reader import Reading
from rag_engine.connectors.loaders.parsing.parsed import Parsed, Stretch
from rag_engine.records import MetadataValue, Note

__all__ = ["note_of", "numbered", "ocr_metadata", "problems_of", "with_pages"]

_SHOWN = 10


def note_of(page: PageRead, source: str, *, done: int, total: int) -> Note:
    """Return what is told of a page that was read.

    >>> reading = Reading(text="x", confidence=0.934, models=("hin", "eng"))
    >>> note_of(PageRead(number=3, reading=reading), "a.pdf", done=1, total=2).text
    'page 3 was read by OCR (hin+eng), 93% sure'
    """
    text = f"page {page.number}: OCR finds no text on it"
    if page.reading is not None:
        models = "+".join(page.reading.models)
        sure = f"{page.reading.confidence:.0%} sure"
        text = f"page {page.number} was read by OCR ({models}), {sure}"
    elif page.reason:
        text = f"page {page.number} could not be read by OCR"
    return Note(source=source, text=text, done=done, total=total)


def problems_of(pages: Iterable[PageRead]) -> list[str]:
    """Return why pages were not read, those of one reason together.

    >>> problems_of([PageRead(number=2, reason="too dark"), PageRead(number=3, reason="too dark")])
    ['pages 2, 3: too dark']
    """
    by_reason: dict[str, list[int]] = {}
    for page in pages:
        if page.reason:
            by_reason.setdefault(page.reason, []).append(page.number)
    return [f"{numbered(numbers)}: {reason}" for reason, numbers in by_reason.items()]


def numbered(numbers: Sequence[int]) -> str:
    """Name some pages.

    >>> numbered([3]), numbered([1, 2])
    ('page 3', 'pages 1, 2')
    """
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = " and others" if len(numbers) > _SHOWN else ""
    return f"page{'s' if len(numbers) > 1 else ''} {shown}{more}"


def ocr_metadata(readings: Mapping[int, Reading]) -> dict[str, MetadataValue]:
    """Return what a document says of its pages that were read by OCR.

    >>> ocr_metadata({2: Reading(text="abc", confidence=0.9, models=("deu",))})
    {'ocr': True, 'ocr_confidence': 0.9, 'ocr_languages': 'deu', 'ocr_pages': '2: 0.90'}
    """
    if not readings:
        return {}
    signs = {page: max(1, len(reading.text)) for page, reading in readings.items()}
    total = sum(reading.confidence * signs[page] for page, reading in readings.items())
    names = dict.fromkeys(name for reading in readings.values() for name in reading.models)
    return {
        "ocr": True,
        "ocr_confidence": round(total / sum(signs.values()), 2),
        "ocr_languages": "+".join(names),
        "ocr_pages": ", ".join(
            f"{page}: {reading.confidence:.2f}" for page, reading in sorted(readings.items())
        ),
    }


def with_pages(parsed: Parsed, readings: Mapping[int, Reading]) -> Parsed:
    r"""Return a file's text with some pages put in, in the place of what they held.

    >>> old = Parsed(text="One.\n\nThree.", stretches=(
    ...     Stretch(start=0, end=4, page=1), Stretch(start=6, end=12, page=3)))
    >>> new = with_pages(old, {2: Reading(text="Two.", confidence=0.9, models=("eng",))})
    >>> new.text, [(s.start, s.end, s.page) for s in new.stretches]
    ('One.\n\nTwo.\n\nThree.', [(0, 4, 1), (6, 10, 2), (12, 18, 3)])
    """
    kept = [stretch for stretch in parsed.stretches if stretch.page not in readings]
    parts = [(stretch, parsed.text[stretch.start : stretch.end]) for stretch in kept]
    parts += [
        (Stretch(start=0, end=0, page=page), reading.text) for page, reading in readings.items()
    ]
    parts.sort(key=lambda part: part[0].page or 0)  # stable: the order within a page stays
    text: list[str] = []
    stretches = []
    position = 0
    before: Stretch | None = None
    for stretch, of_stretch in parts:
        if before is not None:
            text.append(_between(parsed, before, stretch))
            position += len(text[-1])
        stretches.append(replace(stretch, start=position, end=position + len(of_stretch)))
        text.append(of_stretch)
        position += len(of_stretch)
        before = stretch
    return replace(parsed, text="".join(text), stretches=tuple(stretches))


def _between(parsed: Parsed, before: Stretch, after: Stretch) -> str:
    """Return what stands between two stretches: as it was, if they were neighbours."""
    if before.end and before.end <= after.start:
        between = parsed.text[before.end : after.start]
        if not between.strip() and between:
            return between
    return "\n\n"
