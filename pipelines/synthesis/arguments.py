"""The command line of ``rag-engine synthesize``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.synthesis.synthesis_settings import Synthesis
from rag_engine.settings import Settings

__all__ = ["add_synthesis"]


def add_synthesis(parser: argparse.ArgumentParser) -> None:
    """Add what can be set; the knowledge base and its settings are there already."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.jsonl", help="a new file for the examples"
    )
    parser.add_argument(
        "--languages",
        required=True,
        metavar="CODES",
        help="the languages to ask in, by turns, such as de,ja,sw",
    )
    for name, kind, what in (
        ("per-passage", 1, "questions a passage"),
        ("keep-within", 10, "keep a question if its passage is among the first N hits"),
        ("negatives", 1, "wrong hits kept with a question"),
        ("seed", 1, "for what is drawn"),
        ("at-once", 4, "passages that the model is asked about at a time"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=kind, metavar="N", help=f"{what} ({kind})"
        )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="ask about so many passages, by chance (all)"
    )
    parser.add_argument(
        "--min-score",
        type=float,
        metavar="P",
        help="and if its passage answers it with at least this probability (what `ask` reads)",
    )
    parser.set_defaults(run=_synthesize)


def _synthesize(given: argparse.Namespace) -> Outcome:
    from rag_engine.pipelines.synthesis.synthesize import synthesize

    wanted = Synthesis(
        languages=tuple(each for each in given.languages.split(",") if each.strip()),
        per_passage=given.per_passage,
        limit=given.limit,
        keep_within=given.keep_within,
        min_score=given.min_score,
        negatives=given.negatives,
        seed=given.seed,
    )
    settings = Settings.from_toml(given.settings) if given.settings else None
    return synthesize(given.kb, given.out, wanted, settings=settings, at_once=given.at_once)
