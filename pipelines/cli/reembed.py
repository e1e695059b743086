"""``rag-engine reembed``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.cli.opening import folder_of, load_settings
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["reembed"]


def reembed(
    *,
    kb: KbDir,
    settings: SettingsFile = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            metavar="FILE",
            help="Ask both first: JSON Lines of question and document (its id).",
        ),
    ] = None,
    only_if_better: Annotated[
        bool,
        typer.Option(
            "--only-if-better",
            help="With --questions: leave the old one in place if the new one is worse beyond "
            "noise (status 3).",
        ),
    ] = False,
    no_flip: Annotated[
        bool, typer.Option("--no-flip", help="Fill and measure the new one, and no more.")
    ] = False,
    back: Annotated[
        bool,
        typer.Option(
            "--back", help="Put the one before back, and bring along what was changed since."
        ),
    ] = False,
    lose_newer: Annotated[
        bool,
        typer.Option("--lose-newer", help="With --back: leave what was changed since behind."),
    ] = False,
) -> Outcome:
    """Embed all documents anew, by other settings, while the knowledge base is used.

    The new one is filled in DIR.next from the documents of the old one; no file is read. Then it
    takes the old one's place, which stays as DIR.before. Interrupted, the same command goes on.
    """
    from rag_engine.pipelines.reembed import back_outcome, reembed_outcome

    forward = {
        "--settings": settings,
        "--questions": questions,
        "--only-if-better": only_if_better,
        "--no-flip": no_flip,
    }
    folder = folder_of(kb, "reembed", "index the documents into a new one, under another kb=NAME")
    if back:
        for option, value in forward.items():
            if value:
                raise InvalidInput(f"{option} has no effect with --back; leave it out")
        return back_outcome(folder, lose_newer=lose_newer)
    if lose_newer:
        raise InvalidInput("--lose-newer is for --back; leave it out, or go back with --back")
    if only_if_better and questions is None:
        raise InvalidInput("--only-if-better needs questions to tell by; name some (--questions)")
    return reembed_outcome(
        folder,
        load_settings(settings),
        questions=questions,
        only_if_better=only_if_better,
        flip=not no_flip,
    )
