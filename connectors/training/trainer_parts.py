"""What every trainer of ours hands to transformers': order, progress, quiet, where to go on.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.torch_models import quiet_loading
from rag_engine.errors import MissingExtra

try:
    import datasets
    import torch
    import transformers
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["ADAPTED", "InOrder", "Watcher", "quiet"]

ADAPTED = ["query", "key", "value", "dense", "q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"]
"""What encoders of the BERT and XLM-R kinds call the layers that low-rank adapters go beside."""


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what the trainer says of itself: a bar of ours tells how far it is."""
    library = logging.getLogger("sentence_transformers")
    said, level = transformers.utils.logging.get_verbosity(), library.level
    transformers.utils.logging.set_verbosity_error()
    library.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    try:
        with quiet_loading(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.utils.logging.set_verbosity(said)
        library.setLevel(level)


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
