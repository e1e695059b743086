"""``rag-engine evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import (
    CrossEncoderRerankerSettings,
    FairnessSettings,
    RetrievalMode,
    Settings,
)

__all__ = ["evaluate"]


def evaluate(
    test_sets: Annotated[
        list[Path],
        typer.Argument(metavar="SET_DIR", help="Test sets: BEIR layout, or TREC topics."),
    ],
    *,
    kb: Annotated[
        Path | None,
        typer.Option(
            "--kb",
            metavar="DIR",
            help="Keep the knowledge base there; of several sets one each, by their names.",
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
    settings: SettingsFile = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write everything as JSON, and beside it a heat map of the language pairs as PNG.",
            callback=checked_file,
        ),
    ] = None,
    mode: Annotated[
        RetrievalMode | None,
        typer.Option("--mode", help="How to search.", show_default="that of the settings"),
    ] = None,
    no_fairness: Annotated[
        bool, typer.Option("--no-fairness", help="Do not centre languages.")
    ] = False,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            metavar="NAME",
            help="A cross-encoder: a directory or a hub name (extra torch).",
        ),
    ] = None,
    ablation: Annotated[
        bool,
        typer.Option(
            "--ablation",
            help="One table of all parts and the plain baselines, and with --rerank its row too; "
            "the last lines say where ours is below plain dense or plain RRF.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="With --ablation: exit with status 3 where ours is below a baseline, or a set has "
            "no verdict.",
        ),
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="Ask each question again without its right passages; write what scores are worth.",
            callback=checked_file,
        ),
    ] = None,
    retriever: Annotated[
        str | None,
        typer.Option(
            "--retriever",
            metavar="MODULE:OBJECT",
            help="Ask this instead of the engine: a retriever of LangChain, LlamaIndex or "
            "Haystack, a function (question, k), or one that makes such from the set's folder.",
        ),
    ] = None,
    id_key: Annotated[
        str | None,
        typer.Option(
            "--id-key",
            metavar="KEY",
            help="With --retriever: the field of its documents' metadata that holds a passage's "
            "id in the set.",
            show_default="id, doc_id, then the document's own id",
        ),
    ] = None,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside-ours",
            help="With --retriever: measure the engine on the same sets too, and compare.",
        ),
    ] = False,
) -> Outcome:
    """Measure on test sets."""
    from rag_engine.pipelines.evaluate import evaluate

    _check_foreign(
        retriever,
        beside=beside,
        needing_one={"--id-key": id_key, "--beside-ours": beside},
        without_one={"--ablation": ablation, "--strict": strict, "--calibration": calibration},
        of_ours={
            "--settings": settings,
            "--kb": kb,
            "--cache": cache,
            "--mode": mode,
            "--no-fairness": no_fairness,
            "--rerank": rerank,
        },
    )

    if ablation and (mode or no_fairness):
        raise InvalidInput(
            f"--ablation has a row for every mode, with and without fairness; leave out "
            f"{f'--mode {mode}' if mode else '--no-fairness'}"
        )
    chosen = load_settings(settings) or Settings()
    if mode:
        chosen = chosen.of_kind("retrieval", mode)
    if no_fairness:
        chosen = chosen.model_copy(update={"fairness": FairnessSettings(enabled=False)})
    if rerank:
        reranker = CrossEncoderRerankerSettings(model=rerank)
        if isinstance(chosen.reranker, CrossEncoderRerankerSettings):
            reranker = chosen.reranker.model_copy(update={"model": rerank})
        chosen = chosen.model_copy(update={"reranker": reranker})
    if retriever is not None:
        from rag_engine.pipelines.audit import Beside, audit_retriever

        ours = Beside(settings=chosen, kb_path=kb, cache=cache) if beside else None
        return audit_retriever(test_sets, retriever, id_key=id_key, beside=ours, report=report)
    return evaluate(
        test_sets,
        settings=chosen,
        kb_path=kb,
        cache=cache,
        report=report,
        ablation=ablation,
        strict=strict,
        calibration=calibration,
    )


def _check_foreign(
    retriever: str | None,
    *,
    beside: bool,
    needing_one: Mapping[str, object],
    without_one: Mapping[str, object],
    of_ours: Mapping[str, object],
) -> None:
    """Refuse options that do nothing with, or without, ``--retriever``."""
    if retriever is None:
        wrong, reason = needing_one, "is for --retriever; name one"
    elif beside:
        wrong, reason = without_one, "is about this engine alone; leave it out"
    else:
        wrong = {**without_one, **of_ours}
        reason = (
            "is about this engine, and --retriever asks another; leave it out, or measure this one "
            "too with --beside-ours"
        )
    for option, value in wrong.items():
        if value:
            raise InvalidInput(f"{option} {reason}")
