"""``rag-engine train reranker``: a cross-encoder that knows one's own questions and passages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker
from rag_engine.connectors.torch_models import model_folder, pick_device
from rag_engine.connectors.training.examples import ExampleFile, read_examples
from rag_engine.connectors.training.hard_negatives import with_hard_negatives
from rag_engine.connectors.training.no_effect import refuse_without_check
from rag_engine.connectors.training.rerank_check import first_candidates, without_reranker
from rag_engine.connectors.training.rerank_lists import (
    ranked_lists,
    taught_lists,
    with_wrong_passages,
)
from rag_engine.connectors.training.reranker_records import RankedLists, RerankCheck
from rag_engine.connectors.training.reranker_settings import RerankerTraining
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
from rag_engine.connectors.training.training_records import TrainingLog
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.pipelines.export import new_folder
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.pipelines.export_target import BUNDLED
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.train.second_stage import folder_of_kind

__all__ = ["train"]

_TAUGHT = "teacher.jsonl"


def train(
    files: Sequence[Path],
    target: Path,
    settings: RerankerTraining,
    *,
    model: str = BUNDLED,
    mine_hard_negatives: int = 0,
    teacher: str | None = None,
    validation: Path | None = None,
    device: str = "auto",
) -> Outcome:
    """Train ``model`` on examples; write a directory that opens as a reranker into ``target``.

    ``model`` is a cross-encoder, or an encoder that gets a fresh head, as ``bundled`` does. A head
    that knows nothing needs far more than a few thousand questions: 5,800 brought the bundled
    model to an nDCG@10 of .589 alone, which was not good enough. ``mine_hard_negatives``, in
    the positive's language, are looked for by the bundled model where an example has fewer. The
    scores of a ``teacher``, another cross-encoder, are learnt in place of labels: the way from a
    large reranker to a small one. ``validation`` is a test set, whose first candidates of dense
    search by the bundled model are reranked while training. Stopped, the same command goes on
    from the last checkpoint, which lies beside ``target`` until it is done. ``device`` is ``auto``
    (one GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        InvalidInput: examples that can not be read or have nothing to tell apart, a device that
            is not there, or a ``target`` that is not a new folder.
        MissingExtra: the extra ``train`` is not installed.
        ModelError: a model can not be loaded, is none that can be trained, or training ruined it.
    """
    from rag_engine.connectors.training.reranker_start import needs_fresh_head
    from rag_engine.connectors.training.reranker_trainer import train_reranker

    unchecked = ("patience", "check_questions", "check_pool")
    refuse_without_check(settings, unchecked, checks=validation is not None)
    new_folder(target)
    if mine_hard_negatives < 0:
        raise InvalidInput(f"mine_hard_negatives (--mine) is at least 0, got {mine_hard_negatives}")
    device = pick_device(device)
    read = [read_examples(path) for path in files]
    examples = [each for file in read for each in file.examples]
    if not mine_hard_negatives:
        examples = with_wrong_passages(examples, mine_hard_negatives)
    if validation is not None:
        load_test_set(validation)  # refused now, not after an hour of mining
    target.parent.mkdir(parents=True, exist_ok=True)
    run = run_folder(target)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        bundled, out = Path(temporary) / "bundled", Path(temporary) / "out"
        if model == BUNDLED:
            export_bundled(bundled)
        source = bundled if model == BUNDLED else model_folder(model)
        if teacher is not None:
            folder_of_kind("--teacher", teacher, "cross-encoder")
        if needs_fresh_head(source):
            note("the model gets a fresh head, which needs far more than a few thousand questions")
        identity = {
            **_identity(read, settings, mine_hard_negatives, validation),
            "model": model_identity(model, source),
            "teacher": None if teacher is None else model_identity(teacher, model_folder(teacher)),
        }
        refuse_another(run, identity)
        if mine_hard_negatives:
            note(f"looking for {mine_hard_negatives} hard negatives an example")
            found = with_hard_negatives(examples, mine_hard_negatives, embedder=BundledE5())
            examples = with_wrong_passages(found, mine_hard_negatives)
        check = None if validation is None else _check(validation, settings)
        if claim(run, identity):
            note("going on from the last checkpoint")
        lists = ranked_lists(examples, settings)
        if teacher is not None:
            lists = _taught(lists, teacher, run, device)
        note(f"{len(examples)} examples, {settings.steps} steps of {settings.batch} questions")
        with Bar(unit="step") as bar, given_back(run):
            log = train_reranker(
                source,
                lists,
                settings,
                target=out,
                run=run,
                device=device,
                check=check,
                on_step=lambda step, steps: bar.stage("training", step, steps),
            )
        result = _result(log, check) | {"examples": len(examples)}
        card = {**identity, "result": result, "packages": versions()}
        write_card(out, card)
        out.rename(target)
    shutil.rmtree(run)
    return Outcome(result=card, lines=_lines(target, log, check))


def _identity(
    read: Sequence[ExampleFile],
    settings: RerankerTraining,
    mine_hard_negatives: int,
    validation: Path | None,
) -> dict[str, Any]:
    """Return what a run is made of beside models: another of these is another run."""
    return {
        "trained": "reranker",
        "data": data_identity(read),
        "settings": settings.model_dump(mode="json"),
        "mined_negatives": mine_hard_negatives,
        "validation": None if validation is None else validation.resolve().name,
    }


def _check(validation: Path, settings: RerankerTraining) -> RerankCheck:
    note(f"looking for the first {settings.check_pool} candidates in {validation}")
    return first_candidates(
        validation,
        BundledE5(),
        questions=settings.check_questions,
        pool=settings.check_pool,
        seed=settings.seed,
    )


def _taught(lists: RankedLists, teacher: str, run: Path, device: str) -> RankedLists:
    with Bar(unit="question") as bar:
        return taught_lists(
            lists,
            CrossEncoderReranker(model=teacher, device=device),
            run / _TAUGHT,
            on_done=lambda done, total: bar.stage("asking the teacher", done, total),
        )


def _result(log: TrainingLog, check: RerankCheck | None) -> dict[str, Any]:
    return {
        **result_of(log),
        "ndcg@10_without": None if check is None else round(without_reranker(check), 4),
    }


def _lines(target: Path, log: TrainingLog, check: RerankCheck | None) -> list[str]:
    lines = [
        f"written: {target}  (use it as model of [reranker], or evaluate --rerank {target})",
        *loss_lines(log),
    ]
    if check is None:
        return lines
    without = without_reranker(check)
    lines.append(f"nDCG@10 of dense search {without:.4f}")
    lines += [f"reranked {score:.4f} after {step} steps" for step, score in log.scores]
    untrained = log.scores[0][1]
    best = max((score for step, score in log.scores if step), default=untrained)
    if best <= max(without, untrained):
        worse = "no reranker" if without >= untrained else "the model it came from"
        lines.append(f"not better than {worse}: it needs more data or steps, or is not worth using")
    return lines
