"""``rag-engine parity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import SettingsFile, checked_file
from rag_engine.pipelines.output import Outcome
from rag_engine.settings import Settings

__all__ = ["parity"]


def parity(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="JSONL",
            help="Lines of language, sentence (a number, the same for translations), text.",
        ),
    ],
    *,
    tokenizer: Annotated[
        list[str] | None,
        typer.Option(
            "--tokenizer",
            metavar="NAME",
            help="A tokenizer.json, a SentencePiece model (.model), a model's folder or its name "
            "on the hub, or tiktoken:ENCODING; may be repeated.",
            show_default="the embedder's",
        ),
    ] = None,
    relative_to: Annotated[
        str, typer.Option("--relative-to", metavar="LANGUAGE", help="What costs 1.")
    ] = "en",
    price: Annotated[
        float | None,
        typer.Option(
            "--price",
            metavar="NUMBER",
            help="Of a million tokens: tell what the same content costs in each language.",
        ),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE", help="Draw it (PNG).", callback=checked_file),
    ] = None,
    settings: SettingsFile = None,
) -> Outcome:
    """Tell how many tokens the same content has in each language."""
    from rag_engine.errors import InvalidInput
    from rag_engine.pipelines.output_files import check_output
    from rag_engine.pipelines.parity import parity as measure

    check_output("--chart", chart, [file, *(tokenizer or ()), settings])
    if tokenizer and settings is not None:
        raise InvalidInput(
            "--settings has no effect with --tokenizer: it is read for its embedder's tokenizer; "
            "leave one of them out"
        )
    return measure(
        file,
        load_settings(settings) or Settings(),
        tokenizers=tokenizer or [],
        relative_to=relative_to,
        price=price,
        chart=chart,
    )
