"""Training an embedder with sentence-transformers' own trainer and losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.torch_models import quiet_loading
from connectors.training.settings import EmbedderTraining
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pairs", "TrainingLog", "Validation", "train_embedder"]

_ADAPTED = ["query", "key", "value", "dense", "q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"]
"""What encoders of the BERT and XLM-R kinds call the layers that low-rank adapters go beside."""
_VALIDATION = "held-back"
_MEASURE = f"{_VALIDATION}_cosine_ndcg@10"
_SCORE = f"eval_{_MEASURE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Examples in the order in which they are trained on, texts without prompts.

    ``negatives[n]`` has as many passages for every ``n``. ``kept_questions`` and ``kept_passages``
    are texts whose vectors are held to the original model's.
    """

    questions: Sequence[str]
    positives: Sequence[str]
    negatives: Sequence[Sequence[str]]
    kept_questions: Sequence[str] = ()
    kept_passages: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A retrieval set that is asked while training: ids to texts, and what answers what."""

    questions: dict[str, str]
    passages: dict[str, str]
    relevant: dict[str, set[str]]


@dataclass(slots=True)
class TrainingLog:
    """What happened: losses by step, and nDCG@10 on the validation set by step (0: untrained)."""

    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    steps: int = 0


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

    Raises:
        MissingExtra: the extra ``train`` is not installed.
    """
    modules = _loaded()
    with quiet_loading(), _quiet(modules.transformers):
        modules.transformers.set_seed(settings.seed)
        trained = modules.models.SentenceTransformer(str(model), device=device)
        trained.model_card_data.generate_widget_examples = False
        prompts = resolve_prompts(str(model), own=trained.prompts)
        trained.max_seq_length = min(settings.max_tokens, int(trained.max_seq_length))
        task = _task(trained, pairs, settings, prompts, modules)
        _freeze_and_adapt(trained, settings, modules)
        evaluator = None if validation is None else _evaluator(validation, prompts, modules)
        log = TrainingLog()
        if evaluator is not None:
            log.scores.append((0, float(evaluator(trained)[_MEASURE])))
        watcher = modules.parts.Watcher(on_step, log.losses, log.scores, _SCORE)
        stopping = modules.transformers.EarlyStoppingCallback(settings.patience)
        trainer = modules.models.SentenceTransformerTrainer(
            model=trained,
            args=_arguments(run, settings, task.prompts, modules, checked=evaluator is not None),
            train_dataset=task.data,
            loss=task.losses,
            evaluator=evaluator,
            callbacks=[watcher, stopping] if evaluator else [watcher],
        )
        trainer.remove_callback(modules.transformers.PrinterCallback)
        started = any(run.glob("checkpoint-*"))
        trainer.train(resume_from_checkpoint=True if started else None)
        log.steps = int(trainer.state.global_step)
        original = modules.models.SentenceTransformer(str(model), device="cpu")
        _move(original, trained, settings.share, modules)
        original.save_pretrained(str(target), create_model_card=False, safe_serialization=True)
    return log


@dataclass(frozen=True, slots=True)
class _Task:
    """What is trained on: data, losses and prompts, each by the name of a part."""

    data: dict[str, Any]
    losses: dict[str, Any]
    prompts: dict[str, Any]


def _task(
    model: Any, pairs: Pairs, settings: EmbedderTraining, prompts: Prompts, modules: _Modules
) -> _Task:
    columns = ["question", "positive", *(f"negative_{n + 1}" for n in range(_count(pairs)))]
    task = _Task(
        {"retrieve": modules.datasets.Dataset.from_dict(_table(pairs, columns))},
        {"retrieve": _retrieval_loss(model, settings, modules)},
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
        task.data["keep"] = modules.datasets.Dataset.from_dict(
            {"text": texts, "label": [known[text] for text in texts]}
        )
        width = int(vectors.shape[1])
        loss = modules.losses.MSELoss(model)
        task.losses["keep"] = modules.parts.Weighted(loss, settings.keep * width)
        task.prompts["keep"] = ""
    return task


@dataclass(frozen=True, slots=True)
class _Modules:
    torch: Any
    transformers: Any
    datasets: Any
    peft: Any
    models: Any
    losses: Any
    evaluation: Any
    samplers: Any
    parts: Any


def _loaded() -> _Modules:
    try:
        import sentence_transformers
        import torch
        import transformers
        from sentence_transformers.sentence_transformer import evaluation, losses, training_args
    except ImportError as exc:
        raise MissingExtra("torch", package="sentence-transformers") from exc
    try:
        import accelerate  # noqa: F401 (the trainer asks for it)
        import datasets
        import peft
    except ImportError as exc:
        raise MissingExtra("train", package=str(exc.name)) from exc
    from connectors.training import parts

    datasets.disable_progress_bars()
    return _Modules(
        torch,
        transformers,
        datasets,
        peft,
        sentence_transformers,
        losses,
        evaluation,
        training_args,
        parts,
    )


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Leave out what the trainer says of itself: a bar of ours tells how far it is."""
    said = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.utils.logging.set_verbosity(said)


def _count(pairs: Pairs) -> int:
    return len(pairs.negatives[0]) if pairs.negatives else 0


def _table(pairs: Pairs, columns: Sequence[str]) -> dict[str, list[str]]:
    negatives = [[row[n] for row in pairs.negatives] for n in range(_count(pairs))]
    values = [list(pairs.questions), list(pairs.positives), *negatives]
    return dict(zip(columns, values, strict=True))


def _freeze_and_adapt(model: Any, settings: EmbedderTraining, modules: _Modules) -> None:
    encoder = model[0]
    if settings.rank == 0:
        for parameter in encoder.model.get_input_embeddings().parameters():
            parameter.requires_grad = False
        return
    model.add_adapter(
        modules.peft.LoraConfig(
            task_type=modules.peft.TaskType.FEATURE_EXTRACTION,
            r=settings.rank,
            lora_alpha=2 * settings.rank,
            lora_dropout=0.0,
            target_modules=_ADAPTED,
        )
    )


def _retrieval_loss(model: Any, settings: EmbedderTraining, modules: _Modules) -> Any:
    loss = modules.losses.MultipleNegativesRankingLoss(model, scale=1 / settings.temperature)
    if not settings.matryoshka:
        return loss
    width = int(model.get_sentence_embedding_dimension())
    sizes = sorted({width, *settings.matryoshka}, reverse=True)
    return modules.losses.MatryoshkaLoss(model, loss, matryoshka_dims=sizes)


def _evaluator(validation: Validation, prompts: Prompts, modules: _Modules) -> Any:
    return modules.evaluation.InformationRetrievalEvaluator(
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
        score_functions={"cosine": modules.models.util.cos_sim},
        show_progress_bar=False,
        batch_size=32,
        write_csv=False,
    )


def _arguments(
    run: Path,
    settings: EmbedderTraining,
    prompts: dict[str, Any],
    modules: _Modules,
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
    return modules.models.SentenceTransformerTrainingArguments(
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
        batch_sampler=modules.parts.InOrder,
        multi_dataset_batch_sampler=modules.samplers.MultiDatasetBatchSamplers.PROPORTIONAL,
        **checks,
    )


def _move(original: Any, trained: Any, share: float, modules: _Modules) -> None:
    """Move an original model's weights some way towards the trained ones.

    Between weights of one origin the loss is flat enough to walk straight (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models", section 3): a part of the way keeps most of what was
    learnt, and of what was known.
    """
    torch = modules.torch
    tuner = modules.peft.tuners.tuners_utils.BaseTunerLayer
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
