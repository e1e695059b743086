"""``rag-engine bench typing``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import (
    KeptKbDir,
    ReportFile,
    SettingsFile,
    write_report,
)
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["typing"]


def typing(
    *,
    report: ReportFile = None,
    kb: KeptKbDir = None,
    settings: SettingsFile = None,
    test_set: Annotated[
        Path | None,
        typer.Option(
            "--set",
            metavar="SET_DIR",
            help="Questions in pairs, id and id-bare.",
            show_default="that of the package",
        ),
    ] = None,
) -> Outcome:
    """What questions cost that are typed otherwise.

    Without accents, in Latin letters, numbers and names written another way: each question is
    asked twice, as its passage writes it and typed otherwise.
    """
    from rag_engine.pipelines.bench.typing_cost import bench_typing

    return write_report(bench_typing(load_settings(settings) or Settings(), test_set, kb), report)
