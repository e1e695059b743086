"""``rag-engine bench mteb``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.bench.mteb_tasks import Variant
from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ReportFile, SettingsFile, write_report
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["mteb"]


def mteb(
    *,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Write results there, in MTEB's own format."),
    ],
    tasks: Annotated[
        str | None,
        typer.Option("--tasks", metavar="A,B", help="Tasks by MTEB's names, from its hub."),
    ] = None,
    local: Annotated[
        list[Path] | None,
        typer.Option(
            "--local",
            metavar="PATH",
            help="A folder in BEIR's layout, or NAME.bitext.jsonl, .classification.jsonl, "
            ".clustering.jsonl, .sts.jsonl; may be repeated.",
        ),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            metavar="A,B",
            help="Only these of --tasks (ISO 639-3: deu,swh).",
            show_default="all",
        ),
    ] = None,
    variant: Annotated[
        list[Variant] | None,
        typer.Option(
            "--variant",
            metavar="|".join(Variant),
            help="Only this model: the bundled one as published, the settings' uncorrected, or "
            "corrected; may be repeated.",
            show_default="all",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Keep vectors there: no text is embedded twice. May be deleted at any time.",
        ),
    ] = None,
    report: ReportFile = None,
    settings: SettingsFile = None,
) -> Outcome:
    """Tasks of MTEB: the model as published, and with the correction of languages."""
    from rag_engine.pipelines.bench.mteb_tasks import bench_mteb

    outcome = bench_mteb(
        load_settings(settings) or Settings(),
        tasks=_names(tasks),
        local=local or [],
        languages=_names(languages),
        variants=variant or [],
        out=out,
        cache=cache,
    )
    return write_report(outcome, report)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
