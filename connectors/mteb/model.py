"""An embedder as a model of MTEB, with its prompts, and its languages made comparable or not.

MTEB (Muennighoff et al. 2023, "MTEB: Massive Text Embedding Benchmark") hands over texts and wants
vectors. It says whether they are questions, passages or neither; which language they are in, this
model is not told and tells itself. Tasks that search are done by its protocol for search, so that
all passages are known before a question is centred, as in a knowledge base.

Methods take what MTEB passes; parameters that nothing depends on are collected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.embedding.prompts import instructed
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Embedder, Float32Array, InstructedEmbedder, LanguageDetector
from rag_engine.store.progress import OnStage, silent

__all__ = ["MtebModel", "loaded_mteb"]

_OWNER = "rag-engine"
_REVISION = 16
_QUESTIONS_AT_ONCE = 256
_BLOCK = 4_096
"""Texts that are embedded before it is told how many are."""


def loaded_mteb() -> Any:
    """Return the package.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import mteb
    except ImportError as error:
        raise MissingExtra("mteb", package="mteb") from error
    return mteb


class MtebModel:
    """Both an encoder and a search of MTEB (``EncoderProtocol``, ``SearchProtocol``).

    With a ``detector`` languages are made comparable: questions and passages of a search as in a
    knowledge base; texts of other tasks, which MTEB hands over bit by bit (one side of a bitext, a
    training set), each around the middle that the prior tells, so that what was embedded in two
    calls goes together. A model without a prior is centred by the texts of each call alone.

    Questions and passages have the model's prompts; where a task knows neither, all texts have that
    of questions, as E5's authors do for symmetric tasks. A model that was trained with instructions
    is told the task's, where MTEB has one for it.
    """

    def __init__(
        self,
        embedder: Embedder,
        name: str,
        *,
        detector: LanguageDetector | None = None,
        on_stage: OnStage = silent,
    ) -> None:
        """``name`` is what results are filed under, after ``rag-engine/``.

        ``on_stage`` is told how many texts of a call are embedded.
        """
        self._name = name
        self._on_stage = on_stage
        self._embedder = embedder
        self._detector = detector
        self._prior = prior_of(embedder) if detector else None
        self._passages: tuple[list[str], Float32Array, LanguageMeans | None] | None = None

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What MTEB files results under.

        Raises:
            MissingExtra: mteb is not installed.
        """
        return _meta(self._embedder, self._name)

    def encode(
        self, inputs: Iterable[Mapping[str, Any]], *, task_metadata: Any, **more: Any
    ) -> Float32Array:
        """Embed batches of ``text``: ``(n_texts, dimension)`` float32, rows of unit length."""
        texts = [text for batch in inputs for text in batch["text"]]
        vectors = self._embedded(texts, task_metadata, _kind(more.get("prompt_type")))
        if self._detector is None or not texts:
            return vectors
        languages = [self._detector.detect(text).language for text in texts]
        means = _around_the_middle(vectors, languages, self._prior)
        return subtract_and_normalise(vectors, means.between_passages(languages))

    def similarity(self, one: Any, other: Any) -> Any:
        """Return cosines, of every row with every other: a tensor ``(n, m)``."""
        import torch

        rows, others = (np.atleast_2d(np.asarray(side, np.float32)) for side in (one, other))
        return torch.from_numpy(matmul_on_one_thread(_unit(rows), _unit(others)))

    def similarity_pairwise(self, one: Any, other: Any) -> Any:
        """Return cosines of the first with the first, and so on: a tensor ``(n,)``."""
        import torch

        rows, others = (_unit(np.asarray(side, np.float32)) for side in (one, other))
        return torch.from_numpy(np.vecdot(rows, others))

    def index(self, corpus: Any, *, task_metadata: Any, **_: Any) -> None:
        """Embed the passages of a ``corpus`` (rows of ``id``, ``text``, perhaps ``title``)."""
        texts = [_passage(row) for row in corpus]
        vectors = self._embedded(texts, task_metadata, "document")
        means = None
        if self._detector is not None and texts:
            languages = [self._detector.detect(text).language for text in texts]
            means = LanguageMeans.fit(vectors, languages, prior=self._prior)
            vectors = means.centre_passages(vectors, languages)
        self._passages = (list(corpus["id"]), vectors, means)

    def search(
        self,
        queries: Any,
        *,
        task_metadata: Any,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> dict[str, dict[str, float]]:
        """Return the scores of the best ``top_k`` passages of each question, by their ids.

        ``top_ranked`` names the passages that a question may find, where MTEB orders anew.

        Raises:
            InvalidInput: nothing was indexed.
        """
        if self._passages is None:
            raise InvalidInput("a corpus is searched once it is indexed: call index(...) first")
        ids, passages, means = self._passages
        if not ids:
            return {name: {} for name in queries["id"]}
        texts = [str(text) for text in queries["text"]]
        vectors = self._embedded(texts, task_metadata, "query")
        if means is not None and self._detector is not None:
            plausible = [self._detector.plausible(text) for text in texts]
            vectors = np.stack(
                [means.centre_query(*pair) for pair in zip(vectors, plausible, strict=True)]
            )
        rows = {name: row for row, name in enumerate(ids)}
        found: dict[str, dict[str, float]] = {}
        for start in range(0, len(texts), _QUESTIONS_AT_ONCE):
            block = slice(start, start + _QUESTIONS_AT_ONCE)
            scores = matmul_on_one_thread(vectors[block], passages)
            for name, own in zip(queries["id"][block], scores, strict=True):
                allowed = None
                if top_ranked is not None:
                    allowed = [rows[passage] for passage in top_ranked[name] if passage in rows]
                found[name] = _best(own, ids, top_k, allowed)
        return found

    def _embedded(self, texts: Sequence[str], task: Any, kind: str) -> Float32Array:
        vectors = np.empty((len(texts), self._embedder.dimension), np.float32)
        what = f"{getattr(task, 'name', 'texts')}, {self._name}"
        for start in range(0, len(texts), _BLOCK):
            self._on_stage(what, start, len(texts))
            block = slice(start, start + _BLOCK)
            vectors[block] = self._vectors(texts[block], task, kind)
        return vectors

    def _vectors(self, texts: Sequence[str], task: Any, kind: str) -> Float32Array:
        if kind == "document":
            return self._embedder.embed_passages(texts)
        instruction = _instruction(task, self._embedder)
        if instruction is not None and isinstance(self._embedder, InstructedEmbedder):
            return self._embedder.embed_instructed_queries(texts, instruction)
        return self._embedder.embed_queries(texts)


def _meta(embedder: Embedder, name: str) -> Any:
    loaded_mteb()
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction

    contract = embedder.contract
    return ModelMeta.create_empty(
        {
            "name": f"{_OWNER}/{name}",
            # A folder is named by it, which the hashes of several files would make too long.
            "revision": hashlib.sha256(contract.weights.encode()).hexdigest()[:_REVISION],
            "embed_dim": contract.dimension,
            "max_tokens": contract.max_tokens,
            "similarity_fn_name": ScoringFunction.COSINE,
            "use_instructions": bool(contract.query_prompt or contract.passage_prompt),
        }
    )


def _kind(prompt_type: Any) -> str:
    """Return ``query``, ``document`` or ``""`` for an MTEB ``PromptType``.

    >>> _kind("query"), _kind(None)
    ('query', '')
    """
    return "" if prompt_type is None else str(getattr(prompt_type, "value", prompt_type))


def _instruction(task: Any, embedder: Embedder) -> str | None:
    """Return what MTEB has a model told that reads instructions; None: it reads none, or has none.

    A task's ``prompt`` is one line, or one for questions and one for passages.
    """
    prompt = getattr(task, "prompt", None)
    told = prompt.get("query") if isinstance(prompt, Mapping) else prompt
    if not told:
        return None
    try:
        instructed(embedder.contract.query_prompt, told)
    except InvalidInput:
        return None
    return str(told)


def _around_the_middle(
    vectors: Float32Array, languages: Sequence[str], prior: LanguagePrior | None
) -> LanguageMeans:
    """Return offsets of the languages of a call, from a middle that all calls share."""
    if prior is None or prior.middle is None:
        return LanguageMeans.fit(vectors, languages, prior=prior)
    empty = LanguageMeans.fit(vectors[:0], [], prior=prior)
    return empty.grown(vectors, languages, prior=prior)


def _passage(row: Mapping[str, Any]) -> str:
    title, text = str(row.get("title") or ""), str(row["text"])
    return f"{title}\n{text}" if title else text


def _best(
    scores: Float32Array, ids: Sequence[str], k: int, allowed: Sequence[int] | None
) -> dict[str, float]:
    """Return the best ``k`` passages; equal scores stand in the order of the ids.

    >>> _best(np.array([0.5, 0.9, 0.5], np.float32), ["b", "c", "a"], 2, None)
    {'c': 0.8999999761581421, 'a': 0.5}
    """
    rows = np.arange(len(ids)) if allowed is None else np.array(allowed, np.intp)
    if len(rows) > k:  # those that tie with the last are looked at too
        least = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= least]
    order = sorted(rows.tolist(), key=lambda row: (-scores[row], ids[row]))[:k]
    return {ids[row]: float(scores[row]) for row in order}


def _unit(rows: Float32Array) -> Float32Array:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Float32Array = (rows / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit
