"""``rag-engine train embedder``: an embedder that knows one's own languages and subjects better."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.connectors.torch_models import model_folder, pick_device
from rag_engine.connectors.training.batches import held_batches, laid_out
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import Example, ExampleFile, read_examples
from rag_engine.connectors.training.hard_negatives import with_hard_negatives
from rag_engine.connectors.training.runs import (
    claim,
    data_identity,
    loss_lines,
    model_identity,
    refuse_another,
    result_of,
    run_folder,
    versions,
    write_card,
)
from rag_engine.connectors.training.training_records import (
    AnchorTexts,
    HeldPairs,
    Pairs,
    TrainingLog,
    Validation,
)
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.export import new_folder
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.pipelines.export_target import BUNDLED
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar

__all__ = ["train"]

_MOST_ANCHORS = 2_000
"""Texts whose vectors are held to the original's."""
_MOST_ASKED = 500
"""Questions of the validation set that are asked at each check."""


def train(
    files: Sequence[Path],
    target: Path,
    settings: EmbedderTraining,
    *,
    model: str = BUNDLED,
    mine_hard_negatives: int = 0,
    validation: Path | None = None,
    teacher: str | None = None,
    hold: Sequence[Path] = (),
    hold_to: str | None = None,
    device: str = "auto",
) -> Outcome:
    """Train ``model`` on examples; write a directory that opens as an embedder into ``target``.

    A batch is of one file, and the files take turns by their sizes: so a file is one kind of task.
    ``mine_hard_negatives`` of them, in the positive's language, are looked for where an example has
    fewer. ``validation`` is a test set that is asked while training. With a ``teacher``, a model of
    sentence-transformers, the result learns to give each text the teacher's vector, and a
    translation the vector of its original. On examples of the files ``hold``, similarities stay
    what the model ``hold_to`` sees (without one, the model as it was). Stopped, the same command
    goes on from the last checkpoint, which lies beside ``target`` until it is done. ``device`` is
    ``auto`` (one GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        InvalidInput: examples that can not be read, too few for a batch, or a ``target`` that is
            not a new folder.
        MissingExtra: the extra ``train`` is not installed.
        ModelError: the model can not be loaded.
    """
    from rag_engine.connectors.training.embedder_trainer import train_embedder

    if teacher is not None and settings.late_interaction_weight:
        raise InvalidInput(
            f"late and a teacher do not go together, got {settings.late_interaction_weight} and "
            f"{teacher}; leave one out"
        )
    if hold_to is not None and not hold:
        raise InvalidInput(f"--hold-to {hold_to} does nothing without --hold FILE; give a file")
    if hold and teacher is not None:
        raise InvalidInput(f"--hold and a teacher do not go together, got {teacher}; leave one out")
    new_folder(target)
    device = pick_device(device)
    read = [read_examples(path) for path in files]
    tasks = [list(file.examples) for file in read]
    holding = [read_examples(path) for path in hold]
    if teacher is not None:  # it reads questions and positives
        tasks = [[_without_negatives(each) for each in task] for task in tasks]
    asked = None if validation is None else _validation(validation, settings.seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    run = run_folder(target)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        source, kept = Path(temporary) / "source", run / "source"
        if model != BUNDLED:
            source = model_folder(model)
        elif kept.exists():
            source = kept
        else:
            export_bundled(source)
        taught = None if teacher is None else model_folder(teacher)
        identity = {
            **_identity(read, settings, mine_hard_negatives, validation),
            "model": model_identity(model, source),
            "teacher": None if taught is None else model_identity(str(teacher), taught),
        }
        if holding:
            original = source if hold_to is None else model_folder(hold_to)
            identity["held"] = data_identity(holding)
            identity["held_to"] = model_identity(hold_to or model, original)
        refuse_another(run, identity)
        if mine_hard_negatives:
            note(f"looking for {mine_hard_negatives} hard negatives an example")
            embedder = SentenceTransformerEmbedder(model=str(source), device=device)
            tasks = [
                with_hard_negatives(task, mine_hard_negatives, embedder=embedder) for task in tasks
            ]
        parts, held = _parts(tasks, holding, settings)
        if claim(run, identity):
            note("going on from the last checkpoint")
        if model == BUNDLED and source != kept:
            source = source.rename(kept)  # checkpoints of adapters name the model they go with
        count = sum(map(len, tasks)) + sum(len(file.examples) for file in holding)
        note(f"{count} examples, {settings.steps} steps of {settings.batch} questions")
        with Bar() as bar:
            log = train_embedder(
                source,
                parts,
                settings,
                name=model,
                teacher=taught,
                held=held,
                held_to=None if hold_to is None else model_folder(hold_to),
                anchors=_anchors([each for task in tasks for each in task], settings),
                target=Path(temporary) / "out",
                run=run,
                device=device,
                validation=asked,
                on_step=lambda step, steps: bar.stage("training", step, steps),
            )
        card = {**identity, "result": result_of(log), "packages": versions()}
        write_card(Path(temporary) / "out", card)
        (Path(temporary) / "out").rename(target)
    shutil.rmtree(run)
    return Outcome(result=card, lines=_lines(target, log))


def _validation(folder: Path, seed: int) -> Validation:
    test_set = load_test_set(folder)
    asked = list(test_set.questions)
    if len(asked) > _MOST_ASKED:
        asked = random.Random(seed).sample(asked, _MOST_ASKED)
    relevant = {
        each.id: {document for document, grade in test_set.qrels[each.id].items() if grade > 0}
        for each in asked
    }
    return Validation(
        questions={each.id: each.text for each in asked},
        passages={each.id: each.text for each in test_set.corpus},
        relevant=relevant,
    )


def _identity(
    read: Sequence[ExampleFile],
    settings: EmbedderTraining,
    mine_hard_negatives: int,
    validation: Path | None,
) -> dict[str, Any]:
    """Return what a run is made of beside models: another of these is another run."""
    return {
        "trained": "embedder",
        "data": data_identity(read),
        "settings": settings.model_dump(mode="json"),
        "mined_negatives": mine_hard_negatives,
        "validation": None if validation is None else validation.resolve().name,
    }


def _parts(
    tasks: Sequence[Sequence[Example]], holding: Sequence[ExampleFile], settings: EmbedderTraining
) -> tuple[list[Pairs], list[HeldPairs]]:
    """Lay out each file's examples, with as many batches as its share of the steps."""
    count = sum(map(len, tasks)) + sum(len(file.examples) for file in holding)
    parts = [
        laid_out(task, math.ceil(settings.steps * len(task) / count), settings, on_note=note)
        for task in tasks
    ]
    held = [
        held_batches(
            file.examples,
            math.ceil(settings.steps * len(file.examples) / count),
            settings.batch,
            settings.seed,
        )
        for file in holding
    ]
    return parts, held


def _without_negatives(example: Example) -> Example:
    return example.model_copy(update={"negatives": ()})


def _anchors(examples: Sequence[Example], settings: EmbedderTraining) -> AnchorTexts:
    """Choose texts whose vectors stay: of examples in one language, where the model is good."""
    if not settings.anchor_weight:
        return AnchorTexts()
    alike = [each for each in examples if each.question_language == each.passage_language] or list(
        examples
    )
    drawn = random.Random(settings.seed).sample(alike, min(len(alike), _MOST_ANCHORS))
    half = len(drawn) // 2
    return AnchorTexts(
        questions=[each.question for each in drawn[:half]],
        passages=[each.positive for each in drawn[half:]],
    )


def _lines(target: Path, log: TrainingLog) -> list[str]:
    lines = [f"written: {target}  (use it with kind = 'sentence-transformer')", *loss_lines(log)]
    for step, score in log.scores:
        lines.append(f"nDCG@10 of dense search {score:.4f} after {step} steps")
    return lines
