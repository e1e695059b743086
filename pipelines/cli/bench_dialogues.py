"""``rag-engine bench dialogues``."""

from __future__ import annotations

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import (
    KeptKbDir,
    ReportFile,
    SettingsFile,
    write_report,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["dialogues"]


def dialogues(
    *, report: ReportFile = None, kb: KeptKbDir = None, settings: SettingsFile = None
) -> Outcome:
    """How often the first hit is right in conversations.

    120 dialogues in twelve languages over the sample knowledge base: follow-ups and new topics,
    each question asked alone and with what was said before.
    """
    from rag_engine.pipelines.bench.dialogues import bench_dialogues

    return write_report(bench_dialogues(load_settings(settings) or Settings(), kb), report)
