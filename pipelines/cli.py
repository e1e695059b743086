"""The ``rag-engine`` command: reads the command line and calls the pipeline behind it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from rag_engine.errors import RagEngineError
from rag_engine.pipelines import commands
from rag_engine.pipelines.bench.peers import PEERS
from rag_engine.pipelines.export import Target
from rag_engine.pipelines.output import Exit, Outcome, note, print_error, print_outcome
from rag_engine.pipelines.synthesis.arguments import add_synthesis
from rag_engine.pipelines.train.arguments import add_training
from rag_engine.settings import DenseKind

__all__ = ["main"]

_EPILOG = """\
exit status: 0 done; 1 failed; 2 wrong command line; 3 done but for the files listed as problems;
130 interrupted (what was done is kept; the same command goes on from there)
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rag-engine",
        description="Finds the right passage whatever language it is written in.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print data as JSON on stdout")
    kb = argparse.ArgumentParser(add_help=False, parents=[common])
    kb.add_argument("--kb", type=Path, required=True, metavar="DIR", help="the knowledge base")
    kb.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def verb(
        name: str,
        run: Callable[[argparse.Namespace], Outcome],
        text: str,
        parent: argparse.ArgumentParser = kb,
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text, parents=[parent])
        added.set_defaults(run=run)
        return added

    demo = verb(
        "demo", commands.demo, "index the sample knowledge base and ask it questions", common
    )
    demo.add_argument("--kb", type=Path, metavar="DIR", help="keep the knowledge base there")

    index = verb("index", commands.index, "index a folder of documents, or one file")
    index.add_argument("path", type=Path, metavar="FOLDER")
    index.add_argument(
        "--prefix", help="what names of files begin with in the knowledge base (the folder's name)"
    )
    index.add_argument(
        "--sync", action="store_true", help="drop what was indexed from files that are gone"
    )

    search = verb("search", commands.search, "find the passages that answer a question")
    _question_arguments(search)
    search.add_argument("-k", type=int, default=10, help="how many passages (10)")
    search.add_argument(
        "--min-score",
        type=float,
        default=0.0,
        metavar="P",
        help="only passages that answer with at least this probability, 0 to 1",
    )

    ask = verb("ask", commands.ask, "answer a question, with sources")
    _question_arguments(ask)
    ask.add_argument(
        "--answer-language", metavar="LANGUAGE", help="the answer's language (the question's)"
    )

    delete = verb("delete", commands.delete, "delete documents, or all documents of a file")
    delete.add_argument("names", nargs="+", metavar="DOCUMENT_OR_FILE")

    verb("inspect", commands.inspect, "show what a knowledge base holds")
    verb("compact", commands.compact, "build the index anew and give back space")

    mcp = verbs.add_parser(
        "mcp",
        help="serve a knowledge base to MCP clients, on stdin and stdout",
        description="Serve a knowledge base to MCP clients on stdin and stdout: the tools search, "
        "ask and fetch. It is opened for reading; another process may go on writing to it.",
    )
    mcp.add_argument("--kb", type=Path, required=True, metavar="DIR", help="the knowledge base")
    mcp.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")
    mcp.set_defaults(run=commands.mcp, json=False)  # stdout is the protocol's
    _serve_arguments(verb("serve", commands.serve, "answer over HTTP; see /openapi.json", common))

    moving = verb("migrate", commands.migrate, "move vectors to Milvus, or back", common)
    moving.add_argument("--from", dest="kb", type=Path, required=True, metavar="DIR")
    moving.add_argument(
        "--to",
        required=True,
        metavar="TARGET",
        help="milvus://HOST:PORT, milvus+tls://HOST:PORT, milvus:FILE.db, or local",
    )

    evaluate = verb("evaluate", commands.evaluate, "measure on a test set", common)
    evaluate.add_argument("set", type=Path, metavar="SET_DIR", help="BEIR layout, or TREC topics")
    evaluate.add_argument("--kb", type=Path, metavar="DIR", help="keep the knowledge base there")
    evaluate.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")
    evaluate.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write everything as JSON, and beside it a heat map of the language pairs as PNG",
    )
    evaluate.add_argument("--mode", choices=["dense", "lexical", "hybrid", "rrf", "bm25"])
    evaluate.add_argument("--no-fairness", action="store_true", help="do not centre languages")
    evaluate.add_argument(
        "--rerank", metavar="NAME", help="a cross-encoder: a directory or a hub name (extra torch)"
    )
    evaluate.add_argument(
        "--ablation",
        action="store_true",
        help="one table of all parts and the plain baselines, and with --rerank its row too",
    )
    evaluate.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="ask each question again without its right passages; write what scores are worth",
    )

    export = verb("export", commands.export, "write a model so that it runs elsewhere", common)
    export.add_argument("model", metavar="MODEL", help="a directory, a hub name, or 'bundled'")
    export.add_argument("target", type=Path, metavar="DIR", help="a new folder")
    export.add_argument("--to", choices=get_args(Target), required=True)
    export.add_argument(
        "--int8", action="store_true", help="8 bits a weight: smaller and faster, a little off"
    )
    export.add_argument(
        "--plain", action="store_true", help="the bundled model without its adapter"
    )
    export.add_argument(
        "--least-cosine",
        type=float,
        metavar="C",
        help="refuse a result whose vectors are less near to torch's (0.999; with --int8 0.99)",
    )

    text = "let a language model write questions about the passages, to train on"
    add_synthesis(verbs.add_parser("synthesize", help=text, description=text, parents=[kb]))
    add_training(
        verbs.add_parser("train", help="train a model", description="train models on own data")
    )
    _bench_arguments(
        verbs.add_parser("bench", help="measure", description="measure, against others")
    )
    return parser


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--kb", type=Path, metavar="DIR", help="one knowledge base")
    what.add_argument(
        "--tenants", type=Path, metavar="DIR", help="a folder with a knowledge base a tenant"
    )
    what.add_argument("--new-key", action="store_true", help="print a new key, and end")
    parser.add_argument(
        "--keys", type=Path, metavar="TOML", help="who may do what; without, only this machine"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="0: any free one (8080)")
    parser.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")
    parser.add_argument(
        "--read-only", action="store_true", help="take no documents, so that another process may"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="searches at a time (2 a core)")
    parser.add_argument("--queue", type=int, metavar="N", help="searches that may wait (64)")
    parser.add_argument("--upload-mb", type=float, metavar="MB", help="largest upload (64)")


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print data as JSON on stdout")
    common.add_argument("--report", type=Path, metavar="FILE", help="write the data as JSON")
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    def kind(
        name: str, run: Callable[[argparse.Namespace], Outcome], text: str
    ) -> argparse.ArgumentParser:
        added = kinds.add_parser(name, help=text, description=text, parents=[common])
        added.set_defaults(run=run)
        return added

    embed = kind("embed", commands.bench_embed, "tokens a second, with every runtime there is")
    embed.add_argument("--passages", type=int, default=512, help="how many passages (512)")
    embed.add_argument("--repeats", type=int, default=3, help="median of so many runs (3)")

    index = kind("index", commands.bench_index, "what the write path costs, stage by stage")
    index.add_argument("--chunks", type=int, default=10_000, help="how many chunks (10,000)")
    index.add_argument("--kb", type=Path, metavar="DIR", help="keep the knowledge base there")

    search = kind("search", commands.bench_search, "a question's time, memory and recall at scale")
    search.add_argument("--chunks", type=int, default=10_000, help="how many chunks (10,000)")
    search.add_argument("--queries", type=int, default=300, help="how many questions (300)")
    search.add_argument("--kb", type=Path, metavar="DIR", help="keep the knowledge base there")
    search.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")
    search.add_argument(
        "--index",
        choices=get_args(DenseKind),
        help="the kind of dense index (that of the settings)",
    )
    search.add_argument(
        "--set", type=Path, metavar="SET_DIR", help="real passages and questions of a test set"
    )

    bitext = kind("bitext", commands.bench_bitext, "how often a sentence finds its translation")
    bitext.add_argument("file", type=Path, metavar="JSONL", help="lines of language, text, english")
    bitext.add_argument("--settings", type=Path, metavar="TOML", help="settings; see Settings")

    serving = kind("serve", commands.bench_serve, "the HTTP service with 1, 8 and 32 clients")
    serving.add_argument("--kb", type=Path, metavar="DIR", help="the knowledge base (the sample)")
    serving.add_argument("--url", help="a service that runs already, without keys")
    serving.add_argument("--seconds", type=float, default=10.0, help="for each row (10)")
    serving.add_argument(
        "--minutes", type=float, help="instead: 8 clients that also write, for so long"
    )

    peers = kind("peers", commands.bench_peers, "the same work with other frameworks")
    peers.add_argument("set", type=Path, metavar="SET_DIR", help="a test set in BEIR's layout")
    peers.add_argument(
        "--chunks", type=int, metavar="N", help="fill up the corpus to so many passages"
    )
    peers.add_argument("--queries", type=int, default=500, help="at most so many questions (500)")
    peers.add_argument(
        "--peer", action="append", choices=PEERS, dest="peers", help="only this; may be repeated"
    )
    peers.add_argument("--work", type=Path, metavar="DIR", help="keep environments and data there")


def _question_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question")
    parser.add_argument("--language", help="the question's language (detected)")
    parser.add_argument(
        "--in",
        dest="languages",
        action="append",
        metavar="LANGUAGE",
        help="only passages in this language; may be repeated",
    )
    parser.add_argument(
        "--where",
        action="append",
        metavar="KEY=VALUE",
        help="only passages whose metadata say so; may be repeated",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (see ``Exit``)."""
    logging.basicConfig(format="rag-engine: %(message)s", stream=sys.stderr)
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # tracebacks of what Milvus Lite lacks
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], Outcome] = given.run
    try:
        outcome = run(given)
        print_outcome(given.command, outcome, as_json=given.json)
        return outcome.status
    except RagEngineError as error:
        print_error(given.command, error, as_json=given.json)
        return Exit.FAILED
    except KeyboardInterrupt:
        note("rag-engine: interrupted; what was done is kept, the same command goes on")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``| head``); there is nobody left to tell.
        sys.stderr.close()
        return Exit.DONE
