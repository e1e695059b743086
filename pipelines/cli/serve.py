"""``rag-engine serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import ServedKb, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["serve"]


def serve(
    *,
    kb: ServedKb = None,
    tenants: Annotated[
        Path | None,
        typer.Option("--tenants", metavar="DIR", help="A folder with a knowledge base a tenant."),
    ] = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Print a new key, and end.")] = False,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="TOML", help="Who may do what; without, only this machine."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="Port to listen on; 0: any free one.")
    ] = 8080,
    settings: SettingsFile = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Take no documents, so that another process may."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", help="Searches at a time.", show_default="8"),
    ] = None,
    queue: Annotated[
        int | None,
        typer.Option("--queue", metavar="N", help="Searches that may wait.", show_default="64"),
    ] = None,
    max_wait: Annotated[
        float | None,
        typer.Option(
            "--max-wait",
            metavar="S",
            help="Longest wait of a search or an answer for a worker, in seconds.",
            show_default="(2 + 4 / workers) x the slowest 1 %",
        ),
    ] = None,
    grace: Annotated[
        int | None,
        typer.Option(
            "--grace",
            metavar="S",
            help="How long a stop waits for what is under way, in seconds.",
            show_default="30",
        ),
    ] = None,
    upload_mb: Annotated[
        float | None,
        typer.Option(
            "--upload-mb",
            metavar="MB",
            help="Largest upload, all its files together, in MB.",
            show_default="64",
        ),
    ] = None,
) -> Outcome:
    """Answer over HTTP; see /openapi.json.

    One of --kb, --tenants and --new-key says what is to be done.
    """
    from rag_engine.pipelines.serve import ServeOptions, make_key, serve

    if (kb is not None) + (tenants is not None) + new_key != 1:
        raise typer.BadParameter("serve takes exactly one of --kb, --tenants and --new-key")
    if new_key:
        return make_key()
    return serve(
        ServeOptions(
            kb=kb,
            tenants=tenants,
            keys=keys,
            host=host,
            port=port,
            settings=load_settings(settings),
            read_only=read_only,
            search_workers=workers,
            search_queue=queue,
            upload_mb=upload_mb,
            max_wait_s=max_wait,
            stop_s=grace,
        )
    )
