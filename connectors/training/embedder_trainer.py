"""Training an embedder with sentence-transformers' own trainer and losses.

Everything heavy is imported with this module: whoever trains imports it then.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.tasks import (
    distillation_task,
    hold_similarities,
    retrieval_task,
)
from rag_engine.connectors.training.trainer_parts import (
    ADAPTED_LAYERS,
    Watcher,
    arguments,
    attention,
    quiet,
    run_trainer,
)
from rag_engine.connectors.training.training_records import (
    AnchorTexts,
    HeldPairs,
    Pairs,
    StreamedPairs,
    TrainingLog,
    Validation,
)
from rag_engine.embedding.prompts import Prompts, resolve_prompts
from rag_engine.errors import MissingExtra

try:
    import accelerate  # noqa: F401 (the trainer asks for it)
    import peft
    import torch
    import transformers
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
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
    parts: Sequence[Pairs | StreamedPairs],
    settings: EmbedderTraining,
    *,
    target: Path,
    run: Path,
    name: str,
    anchors: AnchorTexts | None = None,
    held: Sequence[HeldPairs] = (),
    held_to: Path | None = None,
    teacher: Path | None = None,
    device: str = "cpu",
    validation: Validation | None = None,
    on_laid: Callable[[int, int], None] = lambda done, total: None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> TrainingLog:
    """Train the sentence-transformers model in the folder ``model``; write it into ``target``.

    A batch is of one of the ``parts``, which take turns by their sizes, and of the ``anchors``
    after each ``settings.anchor_every`` of those; of ``held`` pairs, which have turns like the
    parts', similarities stay those of the model in ``held_to`` (without one, of the model as it
    was). With a ``teacher``, another such folder, vectors
    learn to be its vectors instead (see ``distillation_task``). What is streamed is laid out in
    ``run``, of which ``on_laid`` is told. ``name`` is what the model
    is known by, ``run`` keeps checkpoints: where it holds one, training goes on from there. With a
    ``validation`` set the best of the checked states is kept, and training ends early when
    ``settings.patience`` checks in a row bring nothing.

    Raises:
        InvalidInput: a teacher whose vectors are too short; dimensions that the model has not.
    """
    with quiet():
        transformers.set_seed(settings.seed)
        options = attention(settings.precision, device)
        trained = SentenceTransformer(str(model), device=device, model_kwargs=options)
        trained.model_card_data.widget = [{"text": ""}]  # else it draws some, with a bar
        prompts = resolve_prompts(name, own=trained.prompts)
        trained.max_seq_length = min(settings.max_tokens, int(trained.max_seq_length))
        if teacher is None:
            task = retrieval_task(
                trained, parts, anchors or AnchorTexts(), settings, prompts, run, on_laid
            )
            if held:
                known = SentenceTransformer(str(held_to or model), device=device)
                known.max_seq_length = trained.max_seq_length
                hold_similarities(task, trained, held, known, settings, prompts)
        else:
            whole = [part for part in parts if isinstance(part, Pairs)]
            task = distillation_task(trained, whole, teacher, settings, prompts)
        _freeze_and_adapt(trained, settings)
        for module in trained.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = settings.dropout
        evaluator = None if validation is None else _evaluator(validation, prompts)
        untrained = None if evaluator is None else float(evaluator(trained)[_MEASURE])
        stopping = [transformers.EarlyStoppingCallback(settings.patience)] if evaluator else []
        trainer = SentenceTransformerTrainer(
            model=trained,
            args=arguments(
                SentenceTransformerTrainingArguments,
                run,
                settings,
                device,
                batch=settings.batch,
                score=None if evaluator is None else _SCORE,
                multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
            ),
            train_dataset=task.data,
            loss=task.losses,
            evaluator=evaluator,
            callbacks=[Watcher(on_step), *stopping],
        )
        log = run_trainer(trainer, run, _SCORE, untrained)
        original = SentenceTransformer(str(model), device="cpu")
        original.prompts = {"query": prompts.query, "document": prompts.passage}
        _move(original, trained, settings.interpolation_alpha)
        original.save_pretrained(str(target), create_model_card=False, safe_serialization=True)
    return log


def _freeze_and_adapt(model: Any, settings: EmbedderTraining) -> None:
    encoder = model[0]
    if settings.lora_rank == 0:
        for parameter in encoder.model.get_input_embeddings().parameters():
            parameter.requires_grad = False
        return
    model.add_adapter(
        peft.LoraConfig(
            task_type=peft.TaskType.FEATURE_EXTRACTION,
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank,
            lora_dropout=0.0,
            target_modules=ADAPTED_LAYERS,
        )
    )


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


def _move(original: Any, trained: Any, share: float) -> None:
    """Move an original model's weights some way towards the trained ones.

    Between weights of one origin the loss is flat enough to walk straight (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models", section 3): a part of the way keeps most of what was
    learnt, and of what was known.
    """
    tuner = peft.tuners.tuners_utils.BaseTunerLayer
    modules = trained.named_modules()
    adapted = {name: module for name, module in modules if isinstance(module, tuner)}
    state = original.state_dict()
    with torch.no_grad():
        for name, layer in adapted.items():
            for adapter in layer.active_adapters:
                state[f"{name}.weight"] += share * layer.get_delta_weight(adapter).cpu()
        if not adapted:
            for name, weights in trained.state_dict().items():
                if weights.is_floating_point():
                    state[name] += share * (weights.cpu() - state[name])
