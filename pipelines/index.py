"""What ``rag-engine index`` prints of what ``KnowledgeBase.add_files`` did."""

from __future__ import annotations

from rag_engine.pipelines.output import Outcome, safe
from rag_engine.records import AddReport

__all__ = ["report_outcome"]


def report_outcome(report: AddReport) -> Outcome:
    """Return what a run did, for printing."""
    skipped = [{"source": file.source, "reason": file.reason} for file in report.skipped]
    lines = [
        f"{report.files} files: {report.unchanged_files} unchanged, {len(report.skipped)} skipped",
        f"documents: {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.deleted} deleted; {report.chunks} chunks written",
        *(f"skipped: {safe(file.source)}: {safe(file.reason)}" for file in report.skipped),
    ]
    return Outcome(
        result={
            "files": report.files,
            "unchanged_files": report.unchanged_files,
            "added": report.added,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "deleted": report.deleted,
            "chunks": report.chunks,
            "skipped": skipped,
        },
        lines=lines,
        problems=report.problems,
    )
