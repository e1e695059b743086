"""What ``rag-engine index`` prints of what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rag_engine.pipelines.output import Outcome, safe
from rag_engine.records import AddReport, Note

__all__ = ["loader_outcome", "report_outcome"]


def loader_outcome(report: AddReport, prefix: str) -> Outcome:
    """Return what a run over a loader's documents did, for printing."""
    return Outcome(
        result={"prefix": prefix, **_counts(report)},
        lines=[_documents(report)],
        problems=report.problems,
    )


_NOTES_OF_A_FILE = 10
"""So many notes of one file are printed; ``--json`` has them all."""


def report_outcome(report: AddReport) -> Outcome:
    """Return what a run over files did, for printing."""
    skipped = [{"source": file.source, "reason": file.reason} for file in report.skipped]
    notes = [{"source": note.source, "text": note.text} for note in report.notes]
    lines = [
        f"{report.files} files: {report.unchanged_files} unchanged, {len(report.skipped)} skipped",
        _documents(report),
        *(f"skipped: {safe(file.source)}: {safe(file.reason)}" for file in report.skipped),
        *_told(report.notes),
    ]
    return Outcome(
        result={
            "files": report.files,
            "unchanged_files": report.unchanged_files,
            **_counts(report),
            "skipped": skipped,
            "notes": notes,
        },
        lines=lines,
        problems=report.problems,
    )


def _counts(report: AddReport) -> dict[str, int]:
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "deleted": report.deleted,
        "chunks": report.chunks,
    }


def _documents(report: AddReport) -> str:
    return (
        f"documents: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.deleted} deleted; {report.chunks} chunks written"
    )


def _told(notes: Sequence[Note]) -> Iterator[str]:
    """Yield a line for each note, but for most of a file that has many.

    >>> notes = [Note(source="a.pdf", text=f"page {page}") for page in range(1, 13)]
    >>> list(_told(notes))[-2:]
    ['note: a.pdf: page 10', 'note: a.pdf: and 2 more (--json tells them all)']
    """
    for source, group in groupby(notes, key=lambda note: note.source):
        of_file = list(group)
        for note in of_file[:_NOTES_OF_A_FILE]:
            yield f"note: {safe(source)}: {safe(note.text)}"
        more = len(of_file) - _NOTES_OF_A_FILE
        if more > 0:
            yield f"note: {safe(source)}: and {more:,} more (--json tells them all)"
