"""What every trainer of ours hands to transformers': order, progress, quiet, where to go on.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag_engine.connectors.torch_models import quiet_loading
from rag_engine.connectors.training.checkpoints import last_checkpoint
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.connectors.training.training_records import TrainingLog
from rag_engine.errors import MissingExtra

try:
    import datasets
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = [
    "ADAPTED_LAYERS",
    "InOrder",
    "Watcher",
    "arguments",
    "attention",
    "quiet",
    "run_trainer",
]

ADAPTED_LAYERS = [
    *("query", "key", "value", "dense"),
    *("q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"),
]
"""What encoders of the BERT and XLM-R kinds call the layers that low-rank adapters go beside."""


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what the trainer says of itself: a bar of ours tells how far it is."""
    library = logging.getLogger("sentence_transformers")
    verbosity, level = transformers.utils.logging.get_verbosity(), library.level
    transformers.utils.logging.set_verbosity_error()
    library.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        with quiet_loading(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.utils.logging.set_verbosity(verbosity)
        library.setLevel(level)


def attention(precision: str, device: str) -> dict[str, str]:
    """Return how a model's attention is computed, as what its loader is told.

    On a CPU, torch's fused attention goes back through bf16 so slowly (112 ms a layer of 64 texts
    of 80 tokens, the plain one 9) that all else that bf16 gains would be lost.

    >>> attention("bf16", "cpu"), attention("f32", "cpu"), attention("bf16", "cuda")
    ({'attn_implementation': 'eager'}, {}, {})
    """
    return {"attn_implementation": "eager"} if (precision, device) == ("bf16", "cpu") else {}


class InOrder(torch.utils.data.BatchSampler):  # type: ignore[misc]
    """Batches of examples in the order in which they were laid out."""

    def __init__(self, dataset: Any, batch_size: int, **_: Any) -> None:
        super().__init__(torch.utils.data.SequentialSampler(dataset), batch_size, drop_last=True)

    def set_epoch(self, epoch: int) -> None:
        """Every round is alike."""


class Watcher(transformers.TrainerCallback):  # type: ignore[misc]
    """Tells how many steps are done, of how many."""

    def __init__(self, on_step: Callable[[int, int], None]) -> None:
        self._on_step = on_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell it."""
        self._on_step(int(state.global_step), int(state.max_steps))


def arguments(
    kind: Any,
    run: Path,
    settings: EmbedderTraining | RerankerTraining,
    device: str,
    *,
    batch: int,
    score: str | None,
    **more: Any,
) -> Any:
    """Return what a trainer is told, as its own ``kind`` of arguments.

    With a ``score``, the name of a measure, it is checked as it goes, and the best state is kept.
    One GPU is used at most.
    """
    checks: dict[str, Any] = {}
    if score is not None:
        checks = {
            "eval_strategy": "steps",
            "eval_steps": settings.check_every,
            "load_best_model_at_end": True,
            "metric_for_best_model": score,
            "greater_is_better": True,
            "restore_callback_states_from_checkpoint": True,  # the patience that is left
        }
    trainer_arguments = kind(
        output_dir=str(run),
        max_steps=settings.steps,
        per_device_train_batch_size=batch,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        bf16=settings.precision == "bf16",
        use_cpu=device == "cpu",
        save_strategy="steps",
        save_steps=settings.check_every,
        save_total_limit=2,
        logging_steps=min(10, settings.steps, settings.check_every),
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        data_seed=settings.seed,
        batch_sampler=InOrder,
        **checks,
        **more,
    )
    if trainer_arguments.n_gpu > 1:
        trainer_arguments._n_gpu = 1  # else a copy on each, which losses that tokenize can not feed
    return trainer_arguments


def run_trainer(trainer: Any, run: Path, score: str, untrained: float | None) -> TrainingLog:
    """Train, from the last checkpoint in ``run`` on if there is one; return what happened.

    ``untrained`` is what the measure ``score`` was before, None where nothing is checked.
    """
    trainer.remove_callback(transformers.PrinterCallback)
    last = last_checkpoint(run)
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    history = trainer.state.log_history  # of the steps before a stop too
    checks = [(entry["step"], entry[score]) for entry in history if score in entry]
    return TrainingLog(
        losses=tuple((entry["step"], entry["loss"]) for entry in history if "loss" in entry),
        scores=(() if untrained is None else ((0, untrained), *checks)),
        steps=int(trainer.state.global_step),
    )
