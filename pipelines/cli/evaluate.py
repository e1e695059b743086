"""``rag-engine evaluate``."""

from __future__ import annotations

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
) -> Outcome:
    """Measure on test sets."""
    from rag_engine.pipelines.evaluate import evaluate

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
