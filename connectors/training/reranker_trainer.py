"""Training a cross-encoder with sentence-transformers' own trainer and losses.

Everything heavy is imported with this module: whoever trains imports it then.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.torch_models import position_limit
from rag_engine.connectors.training.reranker_records import RankedLists, RerankCheck
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.connectors.training.reranker_start import opened, starting_model
from rag_engine.connectors.training.trainer_parts import (
    ADAPTED_LAYERS,
    Watcher,
    arguments,
    attention,
    quiet,
    run_trainer,
)
from rag_engine.connectors.training.training_records import TrainingLog
from rag_engine.errors import MissingExtra, ModelError
from rag_engine.evaluation.ndcg import ndcg

try:
    import accelerate  # noqa: F401 (the trainer asks for it)
    import datasets
    import peft
    import torch
    import transformers
    from sentence_transformers.base.evaluation import BaseEvaluator
    from sentence_transformers.cross_encoder import (
        CrossEncoderTrainer,
        CrossEncoderTrainingArguments,
        losses,
    )
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["train_reranker"]

_MEASURE = "reranked_ndcg@10"
_SCORE = f"eval_{_MEASURE}"
_TOKEN_CHARACTERS = 8
"""Characters of a text that are read for each token of a pair: twice what the longest take."""


def train_reranker(
    model: Path,
    lists: RankedLists,
    settings: RerankerTraining,
    *,
    target: Path,
    run: Path,
    device: str = "cpu",
    check: RerankCheck | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> TrainingLog:
    """Train the model in the folder ``model`` to rank; write a cross-encoder into ``target``.

    ``lists`` hold ``settings.steps`` times ``settings.batch`` questions, in their order.

    On labels the loss is LambdaLoss (Wang et al. 2018, "The LambdaLoss Framework for Ranking
    Metric Optimization"): a list a question, pairs weighed by what their order is worth in nDCG;
    the library's documentation finds it better than ListNet and ListMLE, which take the same
    lists. Taught by another reranker it is the squared distance of the scores (Hofstätter et al.
    2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
    Distillation", compare it with that of margins): scores of one reranker are shown as
    probabilities, so that their level is worth learning too, which margins leave open.

    ``run`` keeps checkpoints: where it holds one, training goes on from there. With a ``check``
    the best of the checked states is kept, and training ends early when ``settings.patience``
    checks in a row bring nothing. One GPU is used at most.

    Raises:
        ModelError: the model can not be loaded or adapted, or training ruined its weights.
    """
    with quiet():
        transformers.set_seed(settings.seed)
        start = starting_model(model, run)
        trained = opened(start, device, **attention(settings.precision, device))
        trained.model_card_data.generate_widget_examples = False
        whole = position_limit(trained.max_seq_length, trained.transformers_model.base_model)
        trained.max_seq_length = min(settings.max_tokens, whole)
        _freeze_and_adapt(trained, settings)
        evaluator = None if check is None else _Reranked(check, batch=32)
        untrained = None if evaluator is None else evaluator(trained)[_MEASURE]
        stopping = [transformers.EarlyStoppingCallback(settings.patience)] if evaluator else []
        rows = sum(map(len, lists.passages)) if lists.taught else len(lists.questions)
        trainer = CrossEncoderTrainer(
            model=trained,
            args=arguments(
                CrossEncoderTrainingArguments,
                run,
                settings,
                device,
                batch=max(1, rows // settings.steps),
                score=None if evaluator is None else _SCORE,
            ),
            train_dataset=_data(lists, settings.max_tokens * _TOKEN_CHARACTERS),
            loss=_loss(trained, lists, settings, device),
            evaluator=evaluator,
            callbacks=[Watcher(on_step), *stopping],
        )
        log = run_trainer(trainer, run, _SCORE, untrained)
        written = opened(start, "cpu")
        _take_over(written, trained)
        _refuse_ruined(written, lists)
        written.save_pretrained(str(target), create_model_card=False, safe_serialization=True)
    return log


def _freeze_and_adapt(model: Any, settings: RerankerTraining) -> None:
    network = model.transformers_model
    if settings.lora_rank == 0:
        for parameter in network.get_input_embeddings().parameters():
            parameter.requires_grad = False
        return
    whole = [
        name
        for name, child in network.named_children()
        if name != network.base_model_prefix and any(True for _ in child.parameters())
    ]
    if getattr(network.base_model, "pooler", None) is not None:
        whole.append("pooler")
    try:
        model.add_adapter(
            peft.LoraConfig(
                task_type=peft.TaskType.SEQ_CLS,
                r=settings.lora_rank,
                lora_alpha=2 * settings.lora_rank,
                lora_dropout=0.0,
                target_modules=ADAPTED_LAYERS,
                modules_to_save=whole,
            )
        )
    except ValueError as error:
        raise ModelError(
            f"no layer of a {type(network).__name__} is known to take adapters; train all weights, "
            f"with rank 0: {str(error).splitlines()[0]}"
        ) from error


def _data(lists: RankedLists, longest: int) -> Any:
    """Return the lists as the losses take them: a row a list, or a row a pair where taught."""
    questions = [question[:longest] for question in lists.questions]
    passages = [[passage[:longest] for passage in row] for row in lists.passages]
    targets = [[float(target) for target in row] for row in lists.targets]
    if not lists.taught:
        return datasets.Dataset.from_dict(
            {"question": questions, "passages": passages, "labels": targets}
        )
    pairs = [(q, p) for q, row in zip(questions, passages, strict=True) for p in row]
    return datasets.Dataset.from_dict(
        {
            "question": [question for question, _ in pairs],
            "passage": [passage for _, passage in pairs],
            "label": [target for row in targets for target in row],
        }
    )


def _loss(model: Any, lists: RankedLists, settings: RerankerTraining, device: str) -> Any:
    if lists.taught:
        return losses.MSELoss(model)
    # A GPU takes all pairs of a step at once; a processor is no faster for the padding.
    return losses.LambdaLoss(model, mini_batch_size=settings.batch if device == "cpu" else -1)


def _take_over(written: Any, trained: Any) -> None:
    """Give a freshly opened model the trained weights, with the adapters merged into them."""
    tuner = peft.tuners.tuners_utils.BaseTunerLayer
    saved = peft.utils.ModulesToSaveWrapper
    state = written.state_dict()
    modules = trained.named_modules()
    layers = {name: module for name, module in modules if isinstance(module, (tuner, saved))}
    with torch.no_grad():
        for name, layer in layers.items():
            for adapter in layer.active_adapters:
                if isinstance(layer, tuner):
                    state[f"{name}.weight"] += layer.get_delta_weight(adapter).cpu()
                else:
                    for part, weights in layer.modules_to_save[adapter].state_dict().items():
                        state[f"{name}.{part}"].copy_(weights)
        if not layers:
            for name, weights in trained.state_dict().items():
                state[name].copy_(weights)


def _refuse_ruined(written: Any, lists: RankedLists) -> None:
    pairs = [(lists.questions[0], passage) for passage in lists.passages[0]]
    scores = written.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    if not np.isfinite(np.asarray(scores, np.float32)).all():
        raise ModelError(
            "training ended in a model whose scores are no numbers; try a smaller learning rate, "
            "and f32 if it was bf16"
        )


class _Reranked(BaseEvaluator):  # type: ignore[misc]
    """Mean nDCG@10 of candidates in the order of the model's scores; ties as they were."""

    def __init__(self, check: RerankCheck, batch: int) -> None:
        super().__init__()
        self.primary_metric = _MEASURE
        self._check = check
        self._batch = batch

    def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
        check = self._check
        scores = model.predict(
            [(q, p) for q, row in zip(check.questions, check.passages, strict=True) for p in row],
            batch_size=self._batch,
            activation_fn=torch.nn.Identity(),
            show_progress_bar=False,
        )
        total, place = 0.0, 0
        for grades, judged in zip(check.grades, check.judged, strict=True):
            own = np.asarray(scores[place : place + len(grades)], np.float32).reshape(-1)
            place += len(grades)
            order = np.argsort(-own, kind="stable")
            total += ndcg([grades[candidate] for candidate in order], judged)
        return {_MEASURE: total / len(check.questions)}
