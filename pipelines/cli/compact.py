"""``rag-engine compact``."""

from __future__ import annotations

from rag_engine.pipelines.cli.opening import open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar

__all__ = ["compact"]


def compact(*, kb: KbDir, settings: SettingsFile = None) -> Outcome:
    """Build the index anew and give back the space of what was deleted."""
    with open_kb(kb, settings, read_only=False) as opened:
        before = sum(opened.inspect().bytes.values())
        with Bar() as bar:
            opened.compact(on_stage=bar.stage)
        after = sum(opened.inspect().bytes.values())
    return Outcome(
        result={"bytes_before": before, "bytes_after": after},
        lines=[f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after"],
    )
