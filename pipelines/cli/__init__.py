"""The ``rag-engine`` command: one file a command, and here what puts them together."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from rag_engine.pipelines.cli import (
    ask,
    bench_bitext,
    bench_dialogues,
    bench_embed,
    bench_index,
    bench_languages,
    bench_peers,
    bench_quotations,
    bench_readers,
    bench_search,
    bench_serve,
    bench_typing,
    check,
    compact,
    delete,
    demo,
    evaluate,
    export,
    index,
    inspect,
    mcp,
    migrate,
    search,
    serve,
    synthesize,
    train_embedder,
    train_reranker,
)
from rag_engine.pipelines.cli.registration import new_app, print_usage_error, register
from rag_engine.pipelines.output import print_error

__all__ = ["app", "main"]

_EPILOG = (
    "Exit status: 0 done; 1 failed; 2 wrong command line; 3 done but for the files listed as "
    "problems; 4 a disk is full, or a file can not be read or written; 70 a fault of rag-engine; "
    "130 interrupted (what was done is kept; the same command goes on from there)."
)


def _app() -> typer.Typer:
    commands = new_app("Finds the right passage whatever language it is written in.", _EPILOG)
    train = new_app("Train models on one's own data.")
    bench = new_app("Measure the engine, and others beside it.")
    register(commands, demo.demo)
    register(commands, index.index)
    register(commands, search.search)
    register(commands, ask.ask)
    register(commands, delete.delete)
    register(commands, inspect.inspect)
    register(commands, check.check)
    register(commands, compact.compact)
    register(commands, mcp.mcp, json=False)  # stdout is the protocol's
    register(commands, serve.serve)
    register(commands, migrate.migrate)
    register(commands, evaluate.evaluate)
    register(commands, export.export)
    register(commands, synthesize.synthesize)
    commands.add_typer(train, name="train")
    register(train, train_embedder.embedder, command="train")
    register(train, train_reranker.reranker, command="train")
    commands.add_typer(bench, name="bench")
    register(bench, bench_embed.embed, command="bench")
    register(bench, bench_index.index, command="bench")
    register(bench, bench_search.search, command="bench")
    register(bench, bench_bitext.bitext, command="bench")
    register(bench, bench_languages.languages, command="bench")
    register(bench, bench_typing.typing, command="bench")
    register(bench, bench_dialogues.dialogues, command="bench")
    register(bench, bench_quotations.quotations, command="bench")
    register(bench, bench_serve.serve, command="bench")
    register(bench, bench_peers.peers, command="bench")
    register(bench, bench_readers.readers, command="bench")
    return commands


app = _app()
"""All commands, for whoever wants to walk them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (see ``Exit``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed (``>&-``): nobody wants to read it
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (to the end)
            setattr(sys, name, nowhere)
    logging.basicConfig(format="rag-engine: %(message)s", stream=sys.stderr)
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # tracebacks of what Milvus Lite lacks
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(app(words, prog_name="rag-engine", standalone_mode=False))
    except typer.TyperException as error:
        return print_usage_error(error, as_json="--json" in words)
    except Exception as error:  # raised before the command began
        command = next((word for word in words if not word.startswith("-")), "")
        return print_error(command, error, as_json="--json" in words)
