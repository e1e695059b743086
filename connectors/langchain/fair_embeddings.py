"""Language-fair embeddings for anybody's LangChain vector store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from langchain_core.embeddings import Embeddings

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.model_fit import prior_of
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.components import default_detector
from rag_engine.connectors.langchain.as_embedder import as_embedder
from rag_engine.connectors.langchain.engine_to_langchain import RagEngineEmbeddings
from rag_engine.connectors.langchain.means_file import KeptMeans, promised
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Float32Array, LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import stated_language

__all__ = ["FairEmbeddings"]

_AT_ONCE = 512
"""Texts embedded at a time where means are fitted."""

_log = logging.getLogger(__name__)


class FairEmbeddings(Embeddings):
    """Embeds with any model, and subtracts what only tells which language a text is in.

    A multilingual model puts texts of one language near each other, so that a store finds what is
    in the question's language sooner than what answers it. Here the language of every text is
    detected, and its offset subtracted (``LanguageMeans``, as in a knowledge base); a question has
    that of its own. Vectors have unit length: let the store compare by cosine or inner product.

    Offsets are estimated once, by ``fit``, from the texts that the store is to hold or a sample of
    them, and kept in a file: vectors in a store do not move, so these may not either. A language
    that is not among them has the offset of the shipped prior, if the model is the bundled one, or
    that of the model's fit (``model_fit.with_fit``), else the mean of all; ``learn`` fits it to its
    first texts, before any of them is embedded.

    Example::

        fair = FairEmbeddings.fit(texts, "means.npz", embeddings=OpenAIEmbeddings())
        store = QdrantVectorStore.from_texts(texts, fair, url="http://localhost:6333")
        # in another process
        fair = FairEmbeddings.open("means.npz", embeddings=OpenAIEmbeddings())
    """

    def __init__(
        self,
        embedder: Embedder,
        kept: KeptMeans,
        path: Path,
        *,
        detector: LanguageDetector,
        prior: LanguagePrior | None,
    ) -> None:
        """Take what ``fit`` and ``open`` have put together."""
        self.embedder = embedder
        self.path = path
        self._kept = kept
        self._detector = detector
        self._prior = prior
        self._lock = threading.Lock()
        self._embedded: set[str] = set()

    def __repr__(self) -> str:
        return f"FairEmbeddings({self.embedder!r}, {str(self.path)!r})"

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        path: str | Path,
        *,
        embeddings: Embeddings | Embedder | None = None,
        languages: Sequence[str | None] | None = None,
        detector: LanguageDetector | None = None,
        replace: bool = False,
    ) -> Self:
        """Estimate the offsets of the languages of ``texts`` and keep them in the file ``path``.

        ``embeddings`` are LangChain's or the engine's, by default the bundled model.
        ``languages`` (BCP-47) are those of the texts where they are known; where one is None, or
        none are given, they are detected.
        Some 50 texts of a language say where it lies; of few, little is believed. Without any
        text, the bundled model's prior is all that is known.

        Raises:
            InvalidInput: no texts, and no prior of the model; ``languages`` of another length, or
                one that is no code; ``path`` is there already, and ``replace`` is false, or its
                folder is not there.
            StorageFailed: the file can not be written.
            ServiceError: the model failed.
            InvalidVectors: the model gave no vectors of one width.
        """
        path = Path(path)
        texts = _checked(texts, languages)
        embedder = _embedder(embeddings)
        prior = prior_of(embedder)
        if not texts and prior is None:
            raise InvalidInput(
                f"of {embedder.contract.model!r} nothing is known beforehand: fit needs texts, "
                "some 50 of each language"
            )
        # Before an hour of embedding.
        if not path.parent.is_dir():
            raise InvalidInput(
                f"{path.parent} is no folder; make it, or name a file in another one"
            )
        if path.exists() and not replace:
            KeptMeans.read(path).write(path, replace=False)
        detector = default_detector() if detector is None else detector
        names = _languages(texts, languages, detector)
        means = LanguageMeans.fit(_embedded(embedder, texts), names, prior=prior)
        kept = KeptMeans(means, promised(embedder), _probe(embedder))
        kept.write(path, replace=replace)
        return cls(embedder, kept, path, detector=detector, prior=prior)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        embeddings: Embeddings | Embedder | None = None,
        detector: LanguageDetector | None = None,
    ) -> Self:
        """Open what ``fit`` kept in the file ``path``, with the model that it was fitted with.

        Raises:
            InvalidInput: the model is another one: another name, other weights or prompts as far
                as they can be known, another fit, or another vector of the same sentence.
            StoreNotFound: there is no such file.
            StorageFailed: it can not be read.
            StoreCorrupt: it is damaged, or of another version.
            ServiceError: the model failed.
        """
        path = Path(path)
        kept = KeptMeans.read(path)
        embedder = _embedder(embeddings)
        kept.check(path, promised(embedder), _probe(embedder))
        detector = default_detector() if detector is None else detector
        prior = prior_of(embedder)
        return cls(embedder, kept, path, detector=detector, prior=prior)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that offsets were fitted to, ascending."""
        return tuple(sorted(self._kept.means.seen - {UNDETERMINED}))

    def learn(
        self, texts: Iterable[str], *, languages: Sequence[str | None] | None = None
    ) -> list[str]:
        """Fit offsets to languages that have none of their own, and keep them; return which.

        Call it with the first texts of a new language before they are put into the store. Offsets
        of other languages stay as they are, whatever these texts say.

        Raises:
            InvalidInput: texts of such a language were embedded here already: their vectors may
                be in the store, and can not move; ``languages`` of another length, or
                one that is no code.
            StorageFailed: the file can not be written.
            ServiceError: the model failed.
        """
        texts = _checked(texts, languages)
        names = _languages(texts, languages, self._detector)
        with self._lock:
            kept = self._kept
            new = sorted(set(names) - kept.means.seen - {UNDETERMINED})
            if late := sorted(self._embedded.intersection(new)):
                raise InvalidInput(
                    f"texts in {', '.join(late)} were embedded already, and their vectors do not "
                    "move: learn a language before its first texts are added, or fit anew and fill "
                    "the store anew"
                )
            rows = [row for row, name in enumerate(names) if name in new]
            if rows:
                vectors = _embedded(self.embedder, [texts[row] for row in rows])
                means = kept.means.grown(vectors, [names[row] for row in rows], prior=self._prior)
                grown = replace(kept, means=means)
                grown.write(self.path, replace=True)
                self._kept = grown
        return new

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages, each less the offset of its language; an empty list gives an empty list.

        Raises:
            ServiceError: the model failed.
            InvalidVectors: the model gave NaN, zeros or another width than before.
        """
        if not texts:
            return []
        names = _languages(texts, None, self._detector)
        with self._lock:
            means, new = self._kept.means, set(names) - self._embedded
            self._embedded |= new
        if new := new - means.seen - {UNDETERMINED}:
            _log.warning(
                "no offset was fitted to %s: taken for it is %s; see FairEmbeddings.learn",
                ", ".join(sorted(new)),
                "the mean of all languages"
                if self._prior is None
                else "what the model usually has",
            )
        vectors = self.embedder.embed_passages(texts)
        moved: list[list[float]] = means.centre_passages(vectors, names).tolist()
        return moved

    def embed_query(self, text: str) -> list[float]:
        """Embed a question, less the offsets of the languages that it may be in.

        Raises:
            ServiceError: the model failed.
            InvalidVectors: the model gave NaN, zeros or another width than before.
        """
        vector = self.embedder.embed_queries([text])[0]
        detections = self._detector.plausible(text)
        moved: list[float] = self._kept.means.centre_query(vector, detections).tolist()
        return moved


def _embedder(embeddings: Embeddings | Embedder | None) -> Embedder:
    """Return what embeds; ``RagEngineEmbeddings`` refuses what is no embedder."""
    if isinstance(embeddings, FairEmbeddings):
        raise InvalidInput(
            "these embeddings are fair already: give the model that they wrap (.embedder)"
        )
    return RagEngineEmbeddings(None if embeddings is None else as_embedder(embeddings)).embedder


def _checked(texts: Iterable[str], languages: Sequence[str | None] | None) -> list[str]:
    if isinstance(texts, str):
        raise InvalidInput(f"several texts are wanted: give a list, [{texts!r:.80}]")
    listed = list(texts)
    if wrong := [text for text in listed if not isinstance(text, str)]:
        raise InvalidInput(
            f"texts are str, got {type(wrong[0]).__name__}: give the page_content of documents"
        )
    if languages is not None and len(languages) != len(listed):
        raise InvalidInput(f"{len(languages)} languages were given for {len(listed)} texts")
    return listed


def _languages(
    texts: Sequence[str], said: Sequence[str | None] | None, detector: LanguageDetector
) -> list[str]:
    known = [stated_language(each) for each in said or [None] * len(texts)]
    return [
        language or detector.detect(text).language
        for language, text in zip(known, texts, strict=True)
    ]


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Float32Array:
    blocks = [
        embedder.embed_passages(texts[start : start + _AT_ONCE])
        for start in range(0, len(texts), _AT_ONCE)
    ]
    return np.concatenate([np.empty((0, embedder.dimension), dtype=np.float32), *blocks])


def _probe(embedder: Embedder) -> Float32Array:
    vector: Float32Array = embedder.embed_passages([KeptMeans.PROBE])[0]
    return vector
