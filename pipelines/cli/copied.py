"""What ``backup`` and ``restore`` print."""

from __future__ import annotations

import dataclasses

from rag_engine.pipelines.output import Outcome
from rag_engine.store.backup import BackupReport

__all__ = ["copied_outcome"]


def copied_outcome(report: BackupReport, done: str, *, verified: bool) -> Outcome:
    """Tell what was copied, and what was not."""
    pictures = f", {report.images:,} pictures" if report.images else ""
    lines = [
        f"{report.documents:,} documents, {report.chunks:,} chunks{pictures} of revision "
        f"{report.revision:,} {done}{' and verified' if verified else ''}: {report.folder}, "
        f"{report.bytes / 1e6:.1f} MB",
    ]
    if not report.index:
        why = f": {report.index_left_out}" if report.index_left_out else ""
        lines.append(f"without the index, which is built anew when it is opened{why}")
    result = dataclasses.asdict(report) | {"folder": str(report.folder), "verified": verified}
    return Outcome(result=result, lines=lines)
