"""Training an embedder with sentence-transformers' own trainer and losses.

Everything heavy is imported with this module: whoever trains imports it then.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from connectors.training.records import Pairs, TrainingLog, Validation
from connectors.training.settings import EmbedderTraining
from connectors.training.trainer_parts import ADAPTED, InOrder, Watcher, quiet
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import MissingExtra

try:
    import accelerate  # noqa: F401 (the trainer asks for it)
    import datasets
    import peft
    import torch
    import transformers
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer import losses
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
    from sentence_transformers.sentence_transformer.training_args import MultiDatasetBatchSamplers
    from sentence_transformers.util import cos_sim
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["train_embedder"]

_VALIDATION = "held-back"
_MEASURE = f"{_VALIDATION}_cosine_ndcg@10"
_SCORE = f"eval_{_MEASURE}"


def train_embedder(
    model: Path,
    pairs: Pairs,
    settings: EmbedderTraining,
    *,
    target: Path,
    run: Path,
    device: str = "cpu",
    validation: Validation | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> TrainingLog:
    """Train the sentence-transformers model in the folder ``model``; write it into ``target``.

    ``run`` keeps checkpoints: where it holds one, training goes on from there. With a
    ``validation`` set the best of the checked states is kept, and training ends early when
    ``settings.patience`` checks in a row bring nothing.

    """
    with quiet():
        transformers.set_seed(settings.seed)
        trained = SentenceTransformer(str(model), device=device)
        trained.model_card_data.generate_widget_examples = False
        prompts = resolve_prompts(str(model), own=trained.prompts)
        trained.max_seq_length = min(settings.max_tokens, int(trained.max_seq_length))
        task = _task(trained, pairs, settings, prompts)
        _freeze_and_adapt(trained, settings)
        evaluator = None if validation is None else _evaluator(validation, prompts)
        untrained = None if evaluator is None else float(evaluator(trained)[_MEASURE])
        stopping = [transformers.EarlyStoppingCallback(settings.patience)] if evaluator else []
        trainer = SentenceTransformerTrainer(
            model=trained,
            args=_arguments(run, settings, task.prompts, checked=evaluator is not None),
            train_dataset=task.data,
            loss=task.losses,
            evaluator=evaluator,
            callbacks=[Watcher(on_step), *stopping],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        started = any(run.glob("checkpoint-*"))
        trainer.train(resume_from_checkpoint=True if started else None)
        original = SentenceTransformer(str(model), device="cpu")
        _move(original, trained, settings.share)
        original.save_pretrained(str(target), create_model_card=False, safe_serialization=True)
    told = trainer.state.log_history  # of the steps before a stop too
    checks = [(each["step"], each[_SCORE]) for each in told if _SCORE in each]
    return TrainingLog(
        losses=tuple((each["step"], each["loss"]) for each in told if "loss" in each),
        scores=(() if untrained is None else ((0, untrained), *checks)),
        steps=int(trainer.state.global_step),
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """What is trained on: data, losses and prompts, each by the name of a part."""

    data: dict[str, Any]
    losses: dict[str, Any]
    prompts: dict[str, Any]


def _task(model: Any, pairs: Pairs, settings: EmbedderTraining, prompts: Prompts) -> _Task:
    columns = ["question", "positive", *(f"negative_{n + 1}" for n in range(_count(pairs)))]
    task = _Task(
        {"retrieve": datasets.Dataset.from_dict(_table(pairs, columns))},
        {"retrieve": _retrieval_loss(model, settings)},
        {"retrieve": dict.fromkeys(columns[1:], prompts.passage) | {"question": prompts.query}},
    )
    texts = [prompts.query + each for each in pairs.kept_questions]
    texts += [prompts.passage + each for each in pairs.kept_passages]
    if texts:  # the parts take turns by their sizes
        size = max(settings.batch, len(pairs.questions) // settings.keep_every)
        texts = list(islice(cycle(texts), size))
        distinct = list(dict.fromkeys(texts))
        vectors = model.encode(distinct, prompt="", batch_size=16, normalize_embeddings=True)
        known = dict(zip(distinct, vectors.tolist(), strict=True))
        task.data["keep"] = datasets.Dataset.from_dict(
            {"text": texts, "label": [known[text] for text in texts]}
        )
        width = int(vectors.shape[1])
        loss = losses.MSELoss(model)
        task.losses["keep"] = _Weighted(loss, settings.keep * width)
        task.prompts["keep"] = ""
    return task


def _count(pairs: Pairs) -> int:
    return len(pairs.negatives[0]) if pairs.negatives else 0


def _table(pairs: Pairs, columns: Sequence[str]) -> dict[str, list[str]]:
    negatives = [[row[n] for row in pairs.negatives] for n in range(_count(pairs))]
    values = [list(pairs.questions), list(pairs.positives), *negatives]
    return dict(zip(columns, values, strict=True))


def _freeze_and_adapt(model: Any, settings: EmbedderTraining) -> None:
    encoder = model[0]
    if settings.rank == 0:
        for parameter in encoder.model.get_input_embeddings().parameters():
            parameter.requires_grad = False
        return
    model.add_adapter(
        peft.LoraConfig(
            task_type=peft.TaskType.FEATURE_EXTRACTION,
            r=settings.rank,
            lora_alpha=2 * settings.rank,
            lora_dropout=0.0,
            target_modules=ADAPTED,
        )
    )


def _retrieval_loss(model: Any, settings: EmbedderTraining) -> Any:
    loss = losses.MultipleNegativesRankingLoss(model, scale=1 / settings.temperature)
    if not settings.matryoshka:
        return loss
    width = int(model.get_sentence_embedding_dimension())
    sizes = sorted({width, *settings.matryoshka}, reverse=True)
    return losses.MatryoshkaLoss(model, loss, matryoshka_dims=sizes)


def _evaluator(validation: Validation, prompts: Prompts) -> Any:
    return InformationRetrievalEvaluator(
        queries=validation.questions,
        corpus=validation.passages,
        relevant_docs=validation.relevant,
        name=_VALIDATION,
        query_prompt=prompts.query,
        corpus_prompt=prompts.passage,
        ndcg_at_k=[10],
        accuracy_at_k=[1],
        precision_recall_at_k=[10],
        mrr_at_k=[10],
        map_at_k=[10],
        main_score_function="cosine",
        score_functions={"cosine": cos_sim},
        show_progress_bar=False,
        batch_size=32,
        write_csv=False,
    )


def _arguments(
    run: Path,
    settings: EmbedderTraining,
    prompts: dict[str, Any],
    *,
    checked: bool,
) -> Any:
    checks: dict[str, Any] = {}
    if checked:
        checks = {
            "eval_strategy": "steps",
            "eval_steps": settings.check_every,
            "load_best_model_at_end": True,
            "metric_for_best_model": _SCORE,
            "greater_is_better": True,
        }
    return SentenceTransformerTrainingArguments(
        output_dir=str(run),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        bf16=settings.precision == "bf16",
        save_strategy="steps",
        save_steps=settings.check_every,
        save_total_limit=2,
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        data_seed=settings.seed,
        prompts=prompts,
        batch_sampler=InOrder,
        multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
        **checks,
    )


def _move(original: Any, trained: Any, share: float) -> None:
    """Move an original model's weights some way towards the trained ones.

    Between weights of one origin the loss is flat enough to walk straight (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models", section 3): a part of the way keeps most of what was
    learnt, and of what was known.
    """
    tuner = peft.tuners.tuners_utils.BaseTunerLayer
    adapted = {name: each for name, each in trained.named_modules() if isinstance(each, tuner)}
    state = original.state_dict()
    with torch.no_grad():
        for name, layer in adapted.items():
            for adapter in layer.active_adapters:
                state[f"{name}.weight"] += share * layer.get_delta_weight(adapter).cpu()
        if not adapted:
            for name, weights in trained.state_dict().items():
                if weights.is_floating_point():
                    state[name] += share * (weights.cpu() - state[name])


class _Weighted(torch.nn.Module):  # type: ignore[misc]
    """A loss, times a weight."""

    def __init__(self, loss: Any, weight: float) -> None:
        super().__init__()
        self.loss = loss
        self.weight = weight

    def forward(self, features: Any, labels: Any) -> Any:
        """Return the loss of a batch."""
        return self.weight * self.loss(features, labels)
