"""What the second stage of training asks of other models: hard negatives, and scores to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rag_engine.components import default_detector, default_embedder
from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.connectors.model_kinds import refuse_other_kinds
from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker
from rag_engine.connectors.torch_models import model_folder, weights_digest
from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.hard_negatives import (
    Candidates,
    hard_candidates,
    less_probable,
    with_negatives,
)
from rag_engine.connectors.training.rerank_lists import scored
from rag_engine.connectors.training.says_the_same import SaysTheSame
from rag_engine.connectors.training.training_records import Pairs, StreamedPairs
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import note
from rag_engine.pipelines.progress import Bar
from rag_engine.settings import Settings

__all__ = ["Judge", "filtered", "folder_of_kind", "found", "with_scores"]

_VECTORS = "; an embedder's vectors are learnt without --loss kl or margin-mse"
_SCORES = "; a cross-encoder's scores are learnt with --loss kl or --loss margin-mse"


class Judge:
    """A cross-encoder, which is loaded when it is first asked; a file of ``run`` keeps its words.

    One that filters and teaches is asked of each pair once, and after a stop of none again.
    """

    def __init__(self, model: str, folder: Path, run: Path, device: str) -> None:
        self.model = model
        self._device = device
        self._file = run / f"scores-{weights_digest(folder)[:16]}.jsonl"
        self._loaded: CrossEncoderReranker | None = None

    def scores(self, asked: Sequence[tuple[str, tuple[str, ...]]]) -> dict[tuple[str, str], float]:
        """Return the logits of questions and passages."""
        if self._loaded is None:
            self._loaded = CrossEncoderReranker(model=self.model, device=self._device)
        with Bar(unit="question") as bar:
            return scored(
                [question for question, _ in asked],
                [passages for _, passages in asked],
                self._loaded,
                self._file,
                lambda done, total: bar.stage(f"asking {self.model}", done, total),
            )


def folder_of_kind(option: str, model: str, wanted: Literal["cross-encoder", "embedder"]) -> Path:
    """Return the folder of the model that an option names, if it is of the kind that it takes.

    A reranker may be a language model, and a bare encoder an embedder, whose tokens are averaged.

    Raises:
        ModelError: there is no such model, or it is of another kind.
    """
    folder = model_folder(model)
    if wanted == "cross-encoder":
        refuse_other_kinds(
            model,
            folder,
            *("cross-encoder", "language-model"),
            use=f"{option} takes a cross-encoder here, whose config.json names a model "
            f"...ForSequenceClassification{_VECTORS if option == '--teacher' else ''}",
        )
    else:
        refuse_other_kinds(
            model,
            folder,
            *("embedder", "encoder"),
            use=f"{option} takes an embedder{_SCORES if option == '--teacher' else ''}",
        )
    return folder


def found(
    tasks: Sequence[Sequence[Example]],
    count: int,
    *,
    source: Path,
    device: str,
    across: bool,
    spare: bool,
) -> list[list[Candidates]]:
    """Look for ``count`` hard negatives an example, of each task among its own passages."""
    note(f"looking for {count} hard negatives an example{' in all languages' if across else ''}")
    embedder = SentenceTransformerEmbedder(model=str(source), device=device)
    same = SaysTheSame(default_embedder(Settings()), default_detector()) if across else None
    return [
        hard_candidates(task, count, embedder=embedder, across=across, same=same, spare=spare)
        for task in tasks
    ]


def filtered(
    tasks: Sequence[Sequence[Candidates]], count: int, judge: Judge | None
) -> list[list[Example]]:
    """Return the examples with ``count`` negatives each that the ``judge``, if any, leaves.

    Raises:
        InvalidInput: it leaves none.
    """
    if judge is None:
        return [with_negatives(task, count) for task in tasks]
    known = judge.scores(
        [
            (each.example.question, (each.example.positive, *each.passages))
            for task in tasks
            for each in task
        ]
    )
    dropped = looked_at = 0
    kept: list[list[Candidates]] = []
    for task in tasks:
        kept.append([])
        for each in task:
            question = each.example.question
            told = less_probable(
                [known[question, passage] for passage in each.passages],
                known[question, each.example.positive],
            )
            wrong = tuple(p for p, is_wrong in zip(each.passages, told, strict=True) if is_wrong)
            looked_at += len(told)
            dropped += len(told) - len(wrong)
            kept[-1].append(Candidates(each.example, wrong))
    if looked_at and dropped == looked_at:
        raise InvalidInput(
            f"{judge.model} (--mine-filter) thinks each of {looked_at} candidates as probable as "
            "the positive, or more: it tells nothing apart here; name a better cross-encoder, or "
            "leave it out"
        )
    note(f"{dropped} of {looked_at} candidates may be right, says {judge.model}: they are dropped")
    return [with_negatives(task, count) for task in kept]


def with_scores(
    parts: Sequence[Pairs | StreamedPairs], judge: Judge
) -> list[Pairs | StreamedPairs]:
    """Return the parts with a cross-encoder's logits for each positive and its negatives."""
    whole = [part for part in parts if isinstance(part, Pairs)]  # no streamed ones have a teacher
    known = judge.scores(
        [
            (question, (positive, *negatives))
            for part in whole
            for question, positive, negatives in zip(
                part.questions, part.positives, part.negatives, strict=True
            )
        ]
    )
    return [
        replace(
            part,
            scores=[
                [known[question, passage] for passage in (positive, *negatives)]
                for question, positive, negatives in zip(
                    part.questions, part.positives, part.negatives, strict=True
                )
            ],
        )
        for part in whole
    ]
