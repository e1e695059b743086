"""The folder of a training run, which lies beside its target until that is done; and its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag_engine.connectors.torch_models import weights_digest
from rag_engine.connectors.training.checkpoints import last_checkpoint
from rag_engine.connectors.training.examples import ExampleFile
from rag_engine.connectors.training.streamed_examples import StreamedFile
from rag_engine.connectors.training.training_records import TrainingLog
from rag_engine.errors import InvalidInput, ModelError

__all__ = [
    "CARD",
    "claim",
    "data_identity",
    "given_back",
    "loss_lines",
    "model_identity",
    "refuse_another",
    "result_of",
    "run_folder",
    "versions",
    "write_card",
]

CARD = "training.json"
"""What was trained from what, with what result; beside the model."""
_RUN = "run.json"
"""What the checkpoints beside it are of."""


def run_folder(target: Path) -> Path:
    """Return where the checkpoints of a run with this target lie.

    >>> run_folder(Path("models/mine")).name
    '.mine.training'
    """
    return target.parent / f".{target.name}.training"


def data_identity(read: Sequence[ExampleFile | StreamedFile]) -> list[dict[str, Any]]:
    """Return which files a run is made of."""
    return [
        {
            "file": file.name,
            "sha256": file.sha256,
            "examples": file.count if isinstance(file, StreamedFile) else len(file.examples),
        }
        for file in read
    ]


def model_identity(model: str, folder: Path) -> dict[str, str]:
    """Return which model that is: what it was called, and the SHA-256 of its weights."""
    return {"name": model, "weights": weights_digest(folder)}


def refuse_another(run: Path, identity: dict[str, Any]) -> None:
    """Check that the folder of checkpoints, if there is one, is of this very run.

    Raises:
        InvalidInput: it is of another run.
    """
    if not run.exists():
        return
    try:
        begun = json.loads((run / _RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        begun = None
    if begun != identity:
        raise InvalidInput(
            f"{run} holds the checkpoints of another training; go on with that one's own "
            "command, name another target, or delete the folder"
        )


def claim(run: Path, identity: dict[str, Any]) -> bool:
    """Begin in the folder of checkpoints, or go on in it; tell whether it goes on."""
    if run.exists():
        return True
    begun = run.with_name(f"{run.name}.new")
    begun.mkdir(exist_ok=True)
    (begun / _RUN).write_text(json.dumps(identity), encoding="utf-8")
    begun.rename(run)  # killed before, there is none; after, one that says whose it is
    return False


@contextmanager
def given_back(run: Path) -> Iterator[None]:
    """Leave no folder in the way of other settings where these will not do at all."""
    try:
        yield
    except (InvalidInput, ModelError):
        if last_checkpoint(run) is None:
            shutil.rmtree(run)
        raise


def versions() -> dict[str, str]:
    """Return the versions of what trains."""
    names = ("rag-engine", "sentence-transformers", "torch", "transformers", "peft")
    return {name: version(name) for name in names}


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write ``training.json`` beside a model."""
    text = json.dumps(card, ensure_ascii=False, indent=1)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def result_of(log: TrainingLog) -> dict[str, Any]:
    """Return what happened, for a card."""
    return {
        "steps": log.steps,
        "losses": [{"step": step, "loss": round(loss, 4)} for step, loss in log.losses],
        "ndcg@10": [{"step": step, "ndcg@10": round(score, 4)} for step, score in log.scores],
    }


def loss_lines(log: TrainingLog) -> list[str]:
    """Return a line on the first and the last loss, if any was told.

    >>> loss_lines(TrainingLog(losses=((10, 1.5), (20, 0.5)), scores=(), steps=20))
    ['loss 1.500 at step 10, 0.500 at step 20']
    """
    if not log.losses:
        return []
    (first, before), (last, after) = log.losses[0], log.losses[-1]
    return [f"loss {before:.3f} at step {first}, {after:.3f} at step {last}"]
