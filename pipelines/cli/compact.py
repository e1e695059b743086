"""``rag-engine compact``."""

from __future__ import annotations

from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import folder_of, load_settings, open_kb
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.recoding import recode_tokens

__all__ = ["compact"]


def compact(
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    small_tokens: Annotated[
        bool,
        typer.Option(
            "--small-tokens",
            help="Write the token vectors of 0.7 and before anew, an eighth as large.",
        ),
    ] = False,
) -> Outcome:
    """Build the index anew and give back the space of what was deleted."""
    recoded = False
    if small_tokens:
        step = "index the documents into a new one, which keeps them small"
        folder = folder_of(kb, "compact --small-tokens", step)
        with Bar() as bar:
            recoded = recode_tokens(folder, load_settings(settings), on_stage=bar.stage)
    with open_kb(kb, settings, read_only=False) as opened:
        before = sum(opened.inspect().bytes.values())
        with Bar() as bar:
            opened.compact(on_stage=bar.stage)
        after = sum(opened.inspect().bytes.values())
    return Outcome(
        result={"bytes_before": before, "bytes_after": after, "recoded": recoded},
        lines=[
            *(["the vectors of tokens are kept in two bits now"] if recoded else []),
            f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after",
        ],
    )
