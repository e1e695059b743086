"""One function a subcommand: from the parsed command line to what is printed."""

from __future__ import annotations

import argparse
import dataclasses
import json

from rag_engine.errors import InvalidFilter, InvalidInput
from rag_engine.filters import And, Equals, Filter, In, Or
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines import evaluate as evaluation
from rag_engine.pipelines import output
from rag_engine.pipelines.demo import run_demo
from rag_engine.pipelines.index import report_outcome
from rag_engine.pipelines.output import Bar, Outcome
from rag_engine.records import MetadataValue, Problem
from rag_engine.serialisation import AskReply, SearchReply
from rag_engine.settings import CrossEncoderRerankerSettings, FairnessSettings, Settings
from rag_engine.text.codes import normalise_language

__all__ = [
    "ask",
    "bench_bitext",
    "bench_embed",
    "bench_index",
    "bench_peers",
    "bench_search",
    "bench_serve",
    "compact",
    "delete",
    "demo",
    "evaluate",
    "export",
    "index",
    "inspect",
    "mcp",
    "migrate",
    "search",
    "serve",
]


def _open(given: argparse.Namespace, *, read_only: bool, create: bool = False) -> KnowledgeBase:
    settings = Settings.from_toml(given.settings) if given.settings else None
    return KnowledgeBase.open(given.kb, settings=settings, read_only=read_only, create=create)


def _filter(given: argparse.Namespace) -> Filter | None:
    parts: list[Filter] = []
    if given.languages:
        parts.append(In("language", tuple(normalise_language(each) for each in given.languages)))
    for text in given.where or ():
        key, found, value = text.partition("=")
        if not found:
            raise InvalidFilter(f"--where takes KEY=VALUE, got {text!r}")
        # The command line can not tell a text from a number, so either may match.
        parts.append(Or(*(Equals(key, each) for each in _readings(value))))
    return And(*parts) if parts else None


def _readings(value: str) -> list[MetadataValue]:
    readings: list[MetadataValue] = [value]
    if value in {"true", "false"}:
        readings.append(value == "true")
    for kind in (int, float):
        try:
            readings.append(kind(value))
            break
        except ValueError:
            continue
    return readings


def demo(given: argparse.Namespace) -> Outcome:
    """Index the sample knowledge base and ask it questions."""
    return run_demo(given.kb)


def index(given: argparse.Namespace) -> Outcome:
    """Index a folder or a file."""
    if not given.path.exists():  # before a knowledge base is made for nothing
        raise InvalidInput(f"{given.path} does not exist; name a folder or a file to index")
    with _open(given, read_only=False, create=True) as kb, Bar(unit="") as bar:
        report = kb.add_files(
            given.path, prefix=given.prefix, sync=given.sync, on_progress=bar.stage
        )
    return report_outcome(report)


def search(given: argparse.Namespace) -> Outcome:
    """Find passages."""
    with _open(given, read_only=True) as kb:
        hits = kb.search(
            given.question,
            k=given.k,
            where=_filter(given),
            language=given.language,
            min_score=given.min_score,
        )
    lines = [line for hit in hits for line in output.hit_lines(hit)]
    return Outcome(
        result=SearchReply.of(given.question, hits).model_dump(),
        lines=lines or ["nothing found"],
    )


def ask(given: argparse.Namespace) -> Outcome:
    """Answer a question."""
    with _open(given, read_only=True) as kb:
        answer = kb.ask(
            given.question,
            where=_filter(given),
            language=given.language,
            answer_language=given.answer_language,
        )
    return Outcome(
        result=AskReply.of(given.question, answer).model_dump(),
        lines=output.answer_lines(answer),
    )


def delete(given: argparse.Namespace) -> Outcome:
    """Delete documents by id, or all documents of a source."""
    deleted: list[str] = []
    problems: list[Problem] = []
    with _open(given, read_only=False) as kb:
        for name in given.names:
            gone = kb.delete([name]) or kb.delete_source(name)
            deleted += gone
            if not gone:
                problems.append(Problem(source=name, reason="no document and no file of this name"))
    return Outcome(
        result={"deleted": deleted},
        lines=[*(f"deleted: {output.safe(each)}" for each in deleted)],
        problems=problems,
    )


def inspect(given: argparse.Namespace) -> Outcome:
    """Show what a knowledge base holds."""
    with _open(given, read_only=True) as kb:
        found = kb.inspect()
    total = max(found.chunks, 1)
    lines = [
        f"{found.documents} documents from {found.sources} files, {found.chunks} chunks",
        f"index: generation {found.generation}, {found.dense or 'none'} + {found.lexical or 'none'}"
        + ("" if found.published else " (and changes since, replayed on opening)"),
        *(f"{name}: {size / 1e6:.1f} MB" for name, size in found.bytes.items()),
        "languages:",
        *(
            f"  {language:<8}{count:>8}  {count / total:6.1%}"
            for language, count in found.languages.items()
        ),
        "contract:",
        *(f"  {name}: {value}" for name, value in sorted(found.contract.items())),
    ]
    return Outcome(result=dataclasses.asdict(found), lines=lines)


def compact(given: argparse.Namespace) -> Outcome:
    """Build the index anew and give back the space of what was deleted."""
    with _open(given, read_only=False) as kb:
        before = sum(kb.inspect().bytes.values())
        with output.Bar() as bar:
            kb.compact(on_stage=bar.stage)
        after = sum(kb.inspect().bytes.values())
    return Outcome(
        result={"bytes_before": before, "bytes_after": after},
        lines=[f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after"],
    )


def mcp(given: argparse.Namespace) -> Outcome:
    """Serve a knowledge base to MCP clients."""
    from rag_engine.pipelines.mcp import serve_mcp

    return serve_mcp(given.kb, Settings.from_toml(given.settings) if given.settings else None)


def serve(given: argparse.Namespace) -> Outcome:
    """Answer over HTTP."""
    from rag_engine.pipelines.serve import ServeOptions, make_key, serve

    if given.new_key:
        return make_key()
    options = ServeOptions(
        kb=given.kb,
        tenants=given.tenants,
        keys=given.keys,
        host=given.host,
        port=given.port,
        settings=Settings.from_toml(given.settings) if given.settings else None,
        read_only=given.read_only,
        search_workers=given.workers,
        search_queue=given.queue,
        upload_mb=given.upload_mb,
    )
    return serve(options)


def migrate(given: argparse.Namespace) -> Outcome:
    """Move the vectors elsewhere."""
    from rag_engine.pipelines.migrate import migrate

    return migrate(given.kb, given.to)


def evaluate(given: argparse.Namespace) -> Outcome:
    """Measure on a test set."""
    settings = Settings.from_toml(given.settings) if given.settings else Settings()
    if given.mode:
        settings = settings.of_kind("retrieval", given.mode)
    if given.no_fairness:
        settings = settings.model_copy(update={"fairness": FairnessSettings(enabled=False)})
    if given.rerank:
        reranker = CrossEncoderRerankerSettings(model=given.rerank)
        if isinstance(settings.reranker, CrossEncoderRerankerSettings):
            reranker = settings.reranker.model_copy(update={"model": given.rerank})
        settings = settings.model_copy(update={"reranker": reranker})
    return evaluation.evaluate(
        given.set,
        settings=settings,
        kb_path=given.kb,
        report=given.report,
        ablation=given.ablation,
        calibration=given.calibration,
    )


def export(given: argparse.Namespace) -> Outcome:
    """Write a model so that it runs elsewhere."""
    from rag_engine.pipelines.export import export_model

    said = export_model(
        given.model,
        given.target,
        given.to,
        int8=given.int8,
        least_cosine=given.least_cosine,
        adapter=not given.plain,
    )
    lines = [f"written: {given.target}"]
    if said:
        cosine = said["cosine_to_torch"]
        lines.append(
            f"cosine to torch on {cosine['texts']} texts: {cosine['min']} at worst, "
            f"{cosine['mean']} on average"
        )
    return Outcome(result={"directory": str(given.target), **said}, lines=lines)


def bench_bitext(given: argparse.Namespace) -> Outcome:
    """Measure how often a sentence finds its translation."""
    from rag_engine.pipelines.bench.bitext import bench_bitext

    settings = Settings.from_toml(given.settings) if given.settings else Settings()
    return _reported(bench_bitext(given.file, settings), given)


def bench_embed(given: argparse.Namespace) -> Outcome:
    """Measure every runtime."""
    from rag_engine.pipelines.bench.embed import bench_embed

    return _reported(bench_embed(passages=given.passages, repeats=given.repeats), given)


def bench_index(given: argparse.Namespace) -> Outcome:
    """Measure the write path."""
    from rag_engine.pipelines.bench.write_path import bench_index

    return _reported(bench_index(given.chunks, given.kb), given)


def bench_search(given: argparse.Namespace) -> Outcome:
    """Measure searching at scale."""
    from rag_engine.pipelines.bench.search import bench_search

    settings = Settings.from_toml(given.settings) if given.settings else Settings()
    if given.index:
        settings = settings.of_kind("dense", given.index)
    return _reported(
        bench_search(given.chunks, given.queries, given.kb, settings, given.set), given
    )


def bench_peers(given: argparse.Namespace) -> Outcome:
    """Measure other frameworks."""
    from rag_engine.pipelines.bench.peers import bench_peers

    found = bench_peers(
        given.set,
        chunks=given.chunks,
        queries=given.queries,
        peers=given.peers,
        work=given.work,
    )
    return _reported(found, given)


def bench_serve(given: argparse.Namespace) -> Outcome:
    """Measure the HTTP service."""
    from rag_engine.pipelines.bench.serve import bench_serve

    found = bench_serve(given.kb, url=given.url, seconds=given.seconds, minutes=given.minutes)
    return _reported(found, given)


def _reported(outcome: Outcome, given: argparse.Namespace) -> Outcome:
    if given.report:
        text = json.dumps(outcome.result, indent=2, ensure_ascii=False) + "\n"
        given.report.write_text(text, encoding="utf-8")
    return outcome
