"""``rag-engine train embedder``: an embedder that knows one's own languages and subjects better."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rag_engine.connectors.torch_models import pick_device
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import ExampleFile, read_examples
from rag_engine.connectors.training.hard_negatives import Candidates
from rag_engine.connectors.training.no_effect import Learns, refuse_unused
from rag_engine.connectors.training.runs import (
    claim,
    data_identity,
    given_back,
    loss_lines,
    model_identity,
    refuse_another,
    result_of,
    run_folder,
    versions,
    write_card,
)
from rag_engine.connectors.training.streamed_examples import StreamedFile
from rag_engine.connectors.training.training_records import (
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
from rag_engine.pipelines.train.embedder_examples import (
    anchor_texts,
    in_parts,
    read_files,
    size_of,
    with_examples,
)
from rag_engine.pipelines.train.second_stage import (
    Judge,
    filtered,
    folder_of_kind,
    found,
    with_scores,
)

__all__ = ["train"]

_MOST_ASKED = 500
"""Questions of the validation set that are asked at each check."""


def train(
    files: Sequence[Path],
    target: Path,
    settings: EmbedderTraining,
    *,
    model: str = BUNDLED,
    stream: bool = False,
    mine_hard_negatives: int = 0,
    mine_across: bool = False,
    mine_filter: str | None = None,
    validation: Path | None = None,
    teacher: str | None = None,
    hold: Sequence[Path] = (),
    hold_to: str | None = None,
    device: str = "auto",
) -> Outcome:
    """Train ``model`` on examples; write a directory that opens as an embedder into ``target``.

    A batch is of one file, and the files take turns by their sizes: so a file is one kind of task.
    With ``stream`` files may be larger than memory. ``mine_hard_negatives`` of them, in the
    positive's language, or with ``mine_across`` in all, are looked for where an example has fewer;
    ``mine_filter``, a cross-encoder, drops those that may be right. ``validation`` is a test set
    that is asked while training. With an embedder as ``teacher`` the result learns to give each
    text the teacher's vector, and a translation the vector of its original; with a cross-encoder
    (and ``settings.loss`` ``kl`` or ``margin-mse``) how that scores a question's passages. On
    examples of the files ``hold``, similarities stay what the model ``hold_to`` sees (without one,
    the model as it was). Stopped, the same command goes on from the last checkpoint, which lies
    beside ``target`` until it is done. ``device`` is ``auto`` (one GPU if there is one), ``cpu`` or
    ``cuda``.

    Raises:
        InvalidInput: examples that can not be read, too few for a batch, what would have no effect
            or does not go together, or a ``target`` that is not a new folder.
        MissingExtra: the extra ``train`` is not installed.
        ModelError: a model can not be loaded, or is of the wrong kind.
    """
    from rag_engine.connectors.training.embedder_trainer import train_embedder

    learns: Learns = (
        "labels" if teacher is None else "scores" if settings.reads_scores else "vectors"
    )
    _check_together(
        settings,
        teacher=teacher,
        hold=hold,
        hold_to=hold_to,
        stream=stream,
        mined=mine_hard_negatives,
    )
    others = {
        name: (each, folder_of_kind(f"--{name}", each, kind))
        for name, each, kind in _named(learns, teacher, mine_filter, hold_to)
        if each is not None
    }
    refuse_unused(
        settings,
        learns=learns,
        holds=bool(hold),
        checks=validation is not None,
        mined=mine_hard_negatives,
        mine_across=mine_across,
        mine_filter=mine_filter,
    )
    new_folder(target)
    device = pick_device(device)
    read = read_files(files, settings, stream=stream, learns=learns)
    holding = [read_examples(path) for path in hold]
    asked = None if validation is None else _validation(validation, settings.seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    run = run_folder(target)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        source, kept = Path(temporary) / "source", run / "source"
        if model != BUNDLED:
            source = folder_of_kind("--model", model, "embedder")
        elif kept.exists():
            source = kept
        else:
            export_bundled(source)
        identity = {
            **_identity(read, settings, mine_hard_negatives, validation),
            "mined_across": mine_across,
            "streamed": stream,
            "model": model_identity(model, source),
            "teacher": model_identity(*others["teacher"]) if teacher else None,
            "filter": model_identity(*others["mine-filter"]) if mine_filter else None,
        }
        if holding:
            identity["held"] = data_identity(holding)
            identity["held_to"] = model_identity(*others.get("hold-to", (model, source)))
        refuse_another(run, identity)
        candidates: list[list[Candidates]] = []
        if mine_hard_negatives:
            candidates = found(
                [file.examples for file in read if isinstance(file, ExampleFile)],
                mine_hard_negatives,
                source=source,
                device=device,
                across=mine_across,
                spare=mine_filter is not None,
            )
        if claim(run, identity):
            note("going on from the last checkpoint")
        with given_back(run):
            if model == BUNDLED and source != kept:
                source = source.rename(kept)  # checkpoints of adapters name the model they go with
            if candidates:
                judge = Judge(*others["mine-filter"], run, device) if mine_filter else None
                tasks = filtered(candidates, mine_hard_negatives, judge)
                read = [with_examples(file, task) for file, task in zip(read, tasks, strict=True)]
            parts, held = in_parts(read, holding, settings)
            if learns == "scores":
                parts = with_scores(parts, Judge(*others["teacher"], run, device))
            count = sum(map(size_of, read)) + sum(map(size_of, holding))
            note(f"{count} examples, {settings.steps} steps of {settings.batch} questions")
            with Bar() as bar:
                log = train_embedder(
                    source,
                    parts,
                    settings,
                    name=model,
                    teacher=others["teacher"][1] if learns == "vectors" else None,
                    held=held,
                    held_to=others["hold-to"][1] if hold_to else None,
                    anchors=anchor_texts(read, settings),
                    target=Path(temporary) / "out",
                    run=run,
                    device=device,
                    validation=asked,
                    on_laid=lambda done, total: bar.stage("laying out examples", done, total),
                    on_step=lambda step, steps: bar.stage("training", step, steps),
                )
        card = {**identity, "result": result_of(log), "packages": versions()}
        write_card(Path(temporary) / "out", card)
        (Path(temporary) / "out").rename(target)
    shutil.rmtree(run)
    return Outcome(result=card, lines=_lines(target, log))


def _named(
    learns: Learns, teacher: str | None, mine_filter: str | None, hold_to: str | None
) -> tuple[tuple[str, str | None, Literal["cross-encoder", "embedder"]], ...]:
    """Return the options that name a further model, with the kind that it has to be of."""
    return (
        ("teacher", teacher, "cross-encoder" if learns == "scores" else "embedder"),
        ("mine-filter", mine_filter, "cross-encoder"),
        ("hold-to", hold_to, "embedder"),
    )


def _check_together(
    settings: EmbedderTraining,
    *,
    teacher: str | None,
    hold: Sequence[Path],
    hold_to: str | None,
    stream: bool,
    mined: int,
) -> None:
    """Refuse what does not go together.

    Raises:
        InvalidInput: something does not.
    """
    vectors = teacher is not None and not settings.reads_scores
    if settings.reads_scores and teacher is None:
        raise InvalidInput(
            f"--loss {settings.loss} learns how a cross-encoder scores; name one with --teacher"
        )
    if vectors and settings.late_interaction_weight:
        raise InvalidInput(
            "late and a teacher do not go together, got "
            f"{settings.late_interaction_weight} and {teacher}; leave one out"
        )
    if hold_to is not None and not hold:
        raise InvalidInput(f"--hold-to {hold_to} does nothing without --hold FILE; give a file")
    if hold and vectors:
        raise InvalidInput(f"--hold and a teacher do not go together, got {teacher}; leave one out")
    if hold and settings.mini_batch:
        raise InvalidInput(
            f"--hold and --mini-batch {settings.mini_batch} do not go together: similarities are "
            "held within a batch that is read whole; leave one out"
        )
    if stream and (teacher is not None or mined):
        option = f"--teacher {teacher}" if teacher is not None else f"--mine {mined}"
        raise InvalidInput(
            f"--stream and {option} do not go together, which needs all texts in memory; leave one "
            "out, or work on a part of the file"
        )
    if mined < 0:
        raise InvalidInput(f"mine_hard_negatives (--mine) is at least 0, got {mined}")


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
    read: Sequence[ExampleFile | StreamedFile],
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


def _lines(target: Path, log: TrainingLog) -> list[str]:
    lines = [f"written: {target}  (use it with kind = 'sentence-transformer')", *loss_lines(log)]
    for step, score in log.scores:
        lines.append(f"nDCG@10 of dense search {score:.4f} after {step} steps")
    return lines
