"""What ``rag-engine index`` prints of what it did."""

from __future__ import annotations

from rag_engine.pipelines.output import Outcome, safe
from rag_engine.records import AddReport

__all__ = ["loader_outcome", "report_outcome"]


def loader_outcome(report: AddReport, prefix: str) -> Outcome:
    """Return what a run over a loader's documents did, for printing."""
    return Outcome(
        result={"prefix": prefix, **_counts(report)},
        lines=[_documents(report)],
        problems=report.problems,
    )


def report_outcome(report: AddReport) -> Outcome:
    """Return what a run over files did, for printing."""
    skipped = [{"source": file.source, "reason": file.reason} for file in report.skipped]
    lines = [
        f"{report.files} files: {report.unchanged_files} unchanged, {len(report.skipped)} skipped",
        _documents(report),
        *(f"skipped: {safe(file.source)}: {safe(file.reason)}" for file in report.skipped),
    ]
    return Outcome(
        result={
            "files": report.files,
            "unchanged_files": report.unchanged_files,
            **_counts(report),
            "skipped": skipped,
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
