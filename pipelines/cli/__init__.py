"""The ``rag-engine`` command: one file a command, and here what puts them together."""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer
from typer.core import TyperGroup

from rag_engine.pipelines.cli.registration import Command, group, print_usage_error
from rag_engine.pipelines.output import print_error

__all__ = ["app", "command", "main"]

_EPILOG = (
    "Exit status: 0 done; 1 failed; 2 wrong command line; 3 done but for the files listed as "
    "problems; 4 a disk is full, or a file can not be read or written; 70 a fault of rag-engine; "
    "130 interrupted (what was acknowledged is kept; run the same command again)."
)
_COMMANDS = {
    "demo": "Index the sample knowledge base and ask it questions.",
    "index": "Index a folder of documents, one file, or what a document loader gives.",
    "search": "Find the passages that answer a question.",
    "ask": "Answer a question, with sources.",
    "delete": "Delete documents, or all documents of a file.",
    "inspect": "Show what a knowledge base holds.",
    "check": "Verify all that a knowledge base holds: pages, rows, vectors, index files, counts.",
    "health": "Tell without labels what keeps passages from being found, and what to do.",
    "compact": "Build the index anew and give back the space of what was deleted.",
    "backup": "Copy a knowledge base into a new folder, while it is being written to.",
    "restore": "Copy a backup into a new folder, and verify all of it before it is there.",
    "mcp": "Serve a knowledge base to MCP clients, on stdin and stdout.",
    "serve": "Answer over HTTP; see /openapi.json.",
    "reembed": "Embed all documents anew, by other settings, while the knowledge base is used.",
    "migrate": "Move vectors to Milvus, or back.",
    "similarity": "Tell how probably two texts say the same, whatever their languages.",
    "duplicates": (
        "Find the documents and passages that say the same: exactly, nearly, in translation."
    ),
    "clusters": "Tell what the passages are about, whatever languages they are in.",
    "classify": "Tell which of some labels texts are about, whatever languages both are in.",
    "mine": "Find the pairs of two files that translate each other.",
    "parity": "Tell how many tokens the same content has in each language.",
    "evaluate": "Measure on test sets.",
    "fit": "Find out of a model what makes search fair across languages, from parallel sentences.",
    "export": "Write a model so that it runs elsewhere.",
    "synthesize": "Let a language model write questions about the passages, to train on.",
}
"""The first sentence of each function's docstring: a file one must not read for a list."""
_READING = frozenset({"search", "ask", "inspect"})
"""Commands that write nothing: once they have printed, nothing of them is left to be done."""
_TRAIN = {
    "embedder": "Train an embedder on questions and the passages that answer them.",
    "reranker": (
        "Train a reranker on questions, the passages that answer them and such that do not."
    ),
}
_BENCH = {
    "embed": "Tokens a second, with every runtime there is.",
    "index": "What the write path costs, stage by stage.",
    "search": "A question's time, memory and recall at scale.",
    "bitext": "How often a sentence finds its translation, and how well pairs are mined.",
    "similarity": "How well translations are told from near misses, by pair of languages.",
    "mteb": "Tasks of MTEB: the model as published, and with the correction of languages.",
    "topics": "How well topics are told: clusters, and classification without examples.",
    "languages": "How often a text's language is told.",
    "typing": "What questions cost that are typed otherwise.",
    "dialogues": "How often the first hit is right in conversations.",
    "quotations": "How often a quoted sentence holds the answer.",
    "serve": "The HTTP service with 1, 2, 8 and 32 clients.",
    "start": "How long commands take in a new process.",
    "peers": "The same work with other frameworks.",
    "readers": "Who reads difficult files right: others' readers beside ours.",
}


def _command(name: str, summary: str, under: str = "") -> Command:
    module = f"{under}_{name}" if under else name
    return Command(
        name,
        f"{__name__}.{module}",
        summary,
        printed_as=under,
        json=name != "mcp",  # whose stdout is the protocol's
    )


def _group(name: str, text: str, commands: dict[str, str]) -> TyperGroup:
    return group(name, text, {word: _command(word, commands[word], name) for word in commands})


app = group(
    "rag-engine",
    "Finds the right passage whatever language it is written in.",
    {
        **{name: _command(name, summary) for name, summary in _COMMANDS.items()},
        "train": _group("train", "Train models on one's own data.", _TRAIN),
        "bench": _group("bench", "Measure the engine, and others beside it.", _BENCH),
    },
    _EPILOG,
)
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
        return int(app.main(words, prog_name="rag-engine", standalone_mode=False))
    except typer.TyperException as error:
        return print_usage_error(error, as_json="--json" in words)
    except Exception as error:  # raised before the command began
        command = next((word for word in words if not word.startswith("-")), "")
        return print_error(command, error, as_json="--json" in words)


def command() -> NoReturn:
    """Run the command of this process's words, and end the process.

    After a command that only reads, it ends at once: to take a model and an interpreter apart, for
    the system to free what it frees anyway, takes a fifth of a second.
    """
    status = main()
    if sys.argv[1:2] and sys.argv[1] in _READING:
        atexit._run_exitfuncs()  # temporary folders and logs
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    raise SystemExit(status)
