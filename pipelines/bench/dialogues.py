"""``rag-engine bench dialogues``: questions in conversations over the sample knowledge base.

120 dialogues of two to four turns in twelve languages (``dialogues.jsonl``). A turn is the first of
its dialogue, a follow-up, which leaves out or refers to what was said, or of a new topic. A hit is
right if it is of the turn's document and holds the words that answer; where nothing is probable
enough to be read for an answer, nothing is right. Each question is asked alone, and with the
dialogue before it: the questions, and what the knowledge base itself answered. Half of the
dialogues are development, the other half, of other languages and other documents, is held out.
Where the settings name a language model, it writes follow-ups so that they stand alone.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import chain, zip_longest
from pathlib import Path
from statistics import mean
from typing import Any

from rag_engine.components import Components
from rag_engine.connectors.wiring import build_components, build_generator
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.demo import sample_documents
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import Prompt
from rag_engine.records import Hit, Message
from rag_engine.settings import ExtractiveGeneratorSettings, Settings

__all__ = ["HALVES", "KINDS", "AskedTurn", "Dialogue", "Turn", "bench_dialogues", "dialogues"]

HALVES = ("development", "held-out")
KINDS = ("first", "follow-up", "new topic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question, of one of ``KINDS``; a right hit is of ``document`` and ``holds`` these words."""

    kind: str
    question: str
    document: str
    holds: str

    def is_answered_by(self, hits: Sequence[Hit]) -> bool:
        """Tell whether the first of some hits is right."""
        return any(
            hit.chunk.document_id == self.document and self.holds in hit.chunk.text
            for hit in hits[:1]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Turns in one language, of one of ``HALVES``."""

    id: str
    language: str
    half: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTurn:
    """A turn, and whether its first hit was right alone and with the dialogue before it.

    ``number`` counts from 1; ``follow_up`` is how likely it was taken to be one, None for a first;
    ``rewritten`` whether a language model wrote it in other words.
    """

    dialogue: Dialogue
    number: int
    kind: str
    alone: bool
    in_dialogue: bool
    follow_up: float | None
    rewritten: bool


class _QuotesAnswers:
    """A ``Generator``: a language model for questions, quotations for answers.

    So it is the rewriting alone that a model is measured by, and it writes a tenth as much.
    """

    def __init__(self, components: Components) -> None:
        self._model = components.generator
        self._quoting = build_generator(
            ExtractiveGeneratorSettings(),
            components.embedder,
            components.prior,
            components.token_space,
        )
        self.name, self.quotes = self._model.name, self._model.quotes

    def generate(self, prompt: Prompt) -> Iterator[str]:
        return (self._quoting if prompt.passages else self._model).generate(prompt)


def dialogues() -> list[Dialogue]:
    """Return the dialogues over the sample knowledge base."""
    file = files("rag_engine.pipelines") / "bench" / "dialogues.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Dialogue(**{**row, "turns": tuple(Turn(**turn) for turn in row["turns"])}) for row in rows
    ]


def bench_dialogues(
    settings: Settings,
    kb_path: Path | None,
    *,
    sample: int | None = None,
    parallel: int = 1,
    quote: bool = False,
) -> Outcome:
    """Ask the dialogues; the knowledge base in ``kb_path`` is made if there is none.

    ``sample`` is how many are asked (``drawn``); None: all. ``parallel`` are asked at a time.
    With ``quote`` answers are quotations, and the settings' language model writes questions alone.
    """
    if kb_path is None:
        with tempfile.TemporaryDirectory() as folder:
            return bench_dialogues(
                settings, Path(folder) / "kb", sample=sample, parallel=parallel, quote=quote
            )
    every = dialogues()
    chosen = every if sample is None else drawn(every, sample)
    components = build_components(settings)
    generator = _QuotesAnswers(components) if quote else components.generator
    asked: list[AskedTurn] = []
    with (
        KnowledgeBase.open(
            kb_path, settings=settings, components=components, generator=generator
        ) as kb,
        Bar() as bar,
        ThreadPoolExecutor(parallel) as threads,
    ):
        kb.add_files(sample_documents(), prefix="")
        kb.publish()
        for number, turns in enumerate(threads.map(partial(_asked, kb), chosen), start=1):
            bar.stage("dialogues", number, len(chosen))
            asked += turns
    halves = {half: list(_rows([t for t in asked if t.dialogue.half == half])) for half in HALVES}
    lines = [line for half, rows in halves.items() for line in (*_lines(half, rows), "")]
    return Outcome(result={"halves": halves}, lines=lines[:-1])


def drawn(every: Sequence[Dialogue], count: int) -> list[Dialogue]:
    """Return ``count`` dialogues, at most all, drawn by lot from each language in turn.

    The same ones each time.

    >>> [dialogue.language for dialogue in drawn(dialogues(), 3)]
    ['en', 'es', 'tr']
    """
    lot = random.Random(7)
    of_languages: dict[str, list[Dialogue]] = {}
    for dialogue in every:
        of_languages.setdefault(dialogue.language, []).append(dialogue)
    for of_language in of_languages.values():
        lot.shuffle(of_language)
    rounds = zip_longest(*of_languages.values())
    return [dialogue for dialogue in chain.from_iterable(rounds) if dialogue is not None][:count]


def _asked(kb: KnowledgeBase, dialogue: Dialogue) -> list[AskedTurn]:
    history: list[Message] = []
    asked: list[AskedTurn] = []
    for number, turn in enumerate(dialogue.turns, start=1):
        # What is found is measured, not whether it is taken for an answer.
        answer = kb.ask(turn.question, history=history, strictness="eager")
        hits = alone = answer.hits if answer.supported else ()
        if history:
            read = kb.settings.answering.hits
            alone = tuple(kb.search(turn.question, k=read, min_score=kb.least_score))
        asked.append(
            AskedTurn(
                dialogue=dialogue,
                number=number,
                kind=turn.kind,
                alone=turn.is_answered_by(alone),
                in_dialogue=turn.is_answered_by(hits),
                follow_up=hits[0].parts.follow_up if hits else None,
                rewritten=answer.rewritten is not None,
            )
        )
        history += [Message("user", turn.question), Message("assistant", answer.text)]
    return asked


def _rows(asked: Sequence[AskedTurn]) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[AskedTurn]] = {"all": list(asked)}
    for kind in KINDS:
        groups[kind] = [turn for turn in asked if turn.kind == kind]
    for number in sorted({turn.number for turn in asked}):
        groups[f"turn {number}"] = [turn for turn in asked if turn.number == number]
    for language in sorted({turn.dialogue.language for turn in asked}):
        own = [turn for turn in asked if turn.dialogue.language == language]
        for kind in KINDS[1:]:
            groups[f"{language}, {kind}"] = [turn for turn in own if turn.kind == kind]
    for name, turns in groups.items():
        if turns:
            yield {
                "turns_of": name,
                "turns": len(turns),
                "alone": mean(turn.alone for turn in turns),
                "with history": mean(turn.in_dialogue for turn in turns),
                "rewritten": mean(turn.rewritten for turn in turns),
            }


def _lines(half: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    return table(
        [
            {
                half: row["turns_of"],
                "turns": row["turns"],
                "alone": f"{row['alone']:.3f}",
                "with history": f"{row['with history']:.3f}",
                "rewritten": f"{row['rewritten']:.3f}",
            }
            for row in rows
        ]
    )
