"""``rag-engine bench readers``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.bench.reader_requirements import Reader
from rag_engine.pipelines.cli.options import ReportFile, write_report
from rag_engine.pipelines.output import Outcome

__all__ = ["readers"]


def readers(
    folder: Annotated[
        Path,
        typer.Argument(metavar="INPUTS", help="Folders with a file and its expected.json."),
    ],
    *,
    report: ReportFile = None,
    chosen: Annotated[
        list[Reader] | None,
        typer.Option(
            "--reader",
            metavar="NAME",
            help=f"Only this, of {', '.join(Reader)}; may be repeated.",
            show_default="all that need no models",
        ),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(
            "--python",
            metavar="NAME=PATH",
            help="A reader's environment that is there: its interpreter; may be repeated.",
        ),
    ] = None,
    work: Annotated[
        Path | None, typer.Option("--work", metavar="DIR", help="Keep environments there.")
    ] = None,
) -> Outcome:
    """Who reads difficult files right: others' readers beside ours."""
    from rag_engine.pipelines.bench.readers import bench_readers

    pythons = dict(map(_pair, python or ()))
    outcome = bench_readers(folder, readers=chosen, pythons=pythons, work=work)
    return write_report(outcome, report)


def _pair(given: str) -> tuple[str, Path]:
    name, _, path = given.partition("=")
    if name not in list(Reader) or not Path(path).is_file():
        raise typer.BadParameter(
            f"--python is NAME=PATH, one of {', '.join(Reader)} and its interpreter; got {given!r}"
        )
    return name, Path(path)
