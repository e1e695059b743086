"""The pictures of one open knowledge base: kept as documents come, found as questions do."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rag_engine.arrays import Float32Array, Int64Array
from rag_engine.embedding.embedder_contract import checked_vectors
from rag_engine.errors import ContractMismatch, InvalidInput, StorageFailed, StoreCorrupt
from rag_engine.images.background import BACKGROUND, BACKGROUND_VERSION
from rag_engine.images.document_image import IMAGE_KEY, DocumentImage, image_of
from rag_engine.images.evidence import (
    Background,
    background,
    evidence,
    posterior,
    tail,
    z_scores,
)
from rag_engine.images.image_store import IMAGES, ImageStore, ImageVectors, StoredImage
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import IdSelector, ImageEmbedder
from rag_engine.records import Document
from rag_engine.store.catalogue_reader import CatalogueReader

__all__ = ["FoundPictures", "Pictures", "not_looked_at", "open_pictures", "why_reserved"]

_log = logging.getLogger(__name__)

_STEP = 64
"""Pictures that are embedded, and kept, at a time."""


class FoundPictures(NamedTuple):
    """Passages that are pictures, ids ascending, with the probability that each answers."""

    ids: Int64Array
    probabilities: Float32Array


_NONE_FOUND = FoundPictures(np.empty(0, np.int64), np.empty(0, np.float32))


class _Shown(NamedTuple):
    """The pictures that documents name: ids of their passages ``(n,)``, ascending, and vectors."""

    revision: int
    of_store: int
    ids: Int64Array
    vectors: Float32Array


class Pictures:
    """Keeps and finds pictures; safe to share between threads.

    Without an ``embedder`` those that are there are shown and overwritten with their documents, and
    no new ones are taken.
    """

    def __init__(
        self, store: ImageStore, catalogue: CatalogueReader, embedder: ImageEmbedder | None
    ) -> None:
        self.store = store
        self._catalogue = catalogue
        self._embedder = embedder
        self._lock = threading.Lock()
        self._shown: _Shown | None = None
        self._by_chance: dict[tuple[int, int, str], Background] = {}
        self._background: Float32Array | None = None
        self.to_sweep = True
        """Whether pictures may be there that no document names, whatever a write drops: at first,
        as a process may have been killed before it came to that."""

    @property
    def are_taken(self) -> bool:
        """Tell whether there is a model, so that pictures of new documents are kept."""
        return self._embedder is not None

    def check_taken(self) -> None:
        """Refuse to read files where they would give no pictures: theirs would be deleted.

        Raises:
            ContractMismatch: documents are pictures, and there is no model.
        """
        if self._embedder is None and self._named():
            model = self.store.contract.get("model")
            raise ContractMismatch({"images.model": (model, "")})

    def taken(self, documents: Sequence[Document]) -> list[Document]:
        """Keep the pictures of documents; return the documents that name them in their place.

        Raises:
            InvalidInput: a picture that can not be read; or there is no model, so that none is
                looked at.
            InvalidVectors: the model gave vectors that can not be used.
            StorageFailed: they can not be written.
        """
        images = {
            document.image.digest: document.image
            for document in documents
            if document.image is not None
        }
        if images and self._embedder is None:
            raise not_looked_at(next(one for one in documents if one.image is not None))
        missing = sorted(self.store.missing(images))
        for start in range(0, len(missing), _STEP):
            self._keep([(digest, images[digest]) for digest in missing[start : start + _STEP]])
        return [_naming(document) for document in documents]

    def _keep(self, images: Sequence[tuple[str, DocumentImage]]) -> None:
        assert self._embedder is not None
        vectors = checked_vectors(
            self._embedder.embed_images([image.data for _, image in images]),
            rows=len(images),
            dimension=self._embedder.dimension,
        )
        self.store.add(
            StoredImage(digest, vector, image.thumbnail)
            for (digest, image), vector in zip(images, vectors, strict=True)
        )

    def sweep(self) -> None:
        """Overwrite the pictures that no document names any more.

        It looks at all of them, so that only a write which dropped documents asks for it. Where it
        fails, what was changed in the catalogue stays so, and the next change, or ``compact``,
        tries again.
        """
        self.to_sweep = True
        try:
            self.store.keep_only({name for _, name in self._named()})
        except StorageFailed as error:
            _log.warning("pictures that no document names any more are still there: %s", error)
        else:
            self.to_sweep = False

    def unknown(self) -> list[str]:
        """Return the pictures that documents name and that are not there, ascending."""
        return sorted(self.store.missing({name for _, name in self._named()}))

    def find(
        self,
        questions: Sequence[tuple[str, str]],
        allowed: IdSelector | None,
        passages: float,
    ) -> FoundPictures:
        """Return all pictures and how probable each is to answer, see ``evidence``.

        ``questions`` are the formulations of one question, each with its language; what they tell
        is averaged, as e-values can be (Vovk and Wang 2021, section 3). ``allowed`` names the
        passages that may be returned, None: all; they say ``passages`` different things.
        """
        if self._embedder is None:
            return _NONE_FOUND
        shown = self._now()
        within = np.ones(len(shown.ids), dtype=bool)
        if allowed is not None:
            within = allowed.allows(shown.ids)
        if not within.any():
            return _NONE_FOUND
        vectors = checked_vectors(
            self._embedder.embed_queries([text for text, _ in questions]),
            rows=len(questions),
            dimension=self._embedder.dimension,
        )
        cosines = matmul_on_one_thread(vectors, shown.vectors)
        evidences = [
            evidence(tail(z_scores(row, self._chance(shown, language))[within]))
            for row, (_, language) in zip(cosines, questions, strict=True)
        ]
        probabilities = posterior(np.mean(evidences, axis=0), passages)
        return FoundPictures(shown.ids[within], probabilities.astype(np.float32))

    def _named(self) -> list[tuple[int, str]]:
        """Return the first passage of each document that names a picture, and the picture."""
        return [
            (chunk, name)
            for chunk, value in self._catalogue.fields_of_first_chunks(IMAGE_KEY)
            if (name := image_of({IMAGE_KEY: value})) is not None
        ]

    def _now(self) -> _Shown:
        with self._lock:
            vectors: ImageVectors = self.store.vectors()
            revision = self._catalogue.revision()
            known = self._shown
            if known is None or (known.revision, known.of_store) != (revision, vectors.revision):
                named = [(chunk, name) for chunk, name in self._named() if name in vectors.rows]
                ids = np.array([chunk for chunk, _ in named], dtype=np.int64)
                rows = np.array([vectors.rows[name] for _, name in named], dtype=np.intp)
                known = _Shown(revision, vectors.revision, ids, vectors.vectors[rows])
                self._shown, self._by_chance = known, {}
            return known

    def _chance(self, shown: _Shown, language: str) -> Background:
        """Return what cosines with questions of a language are by chance.

        Of a language that is not among those of ``BACKGROUND``, it is what they are in all.
        """
        language = language if language in BACKGROUND else ""
        key = (shown.revision, shown.of_store, language)
        with self._lock:
            known = self._by_chance.get(key)
        if known is None:
            rows = self._background_vectors()
            if language:
                size = len(rows) // len(BACKGROUND)
                place = list(BACKGROUND).index(language) * size
                rows = rows[place : place + size]
            known = background(matmul_on_one_thread(rows, shown.vectors))
            with self._lock:
                self._by_chance[key] = known
        return known

    def _background_vectors(self) -> Float32Array:
        """Return the vectors of the background questions, language by language."""
        if self._background is None:
            assert self._embedder is not None
            kept = self.store.meta("background")
            if isinstance(kept, dict) and kept.get("version") == BACKGROUND_VERSION:
                data = np.frombuffer(base64.b64decode(kept["vectors"]), dtype=np.float16)
                vectors = data.reshape(-1, self._embedder.dimension).astype(np.float32)
            else:
                vectors = self._embedder.embed_queries(
                    [text for texts in BACKGROUND.values() for text in texts]
                )
            count = sum(map(len, BACKGROUND.values()))
            self._background = checked_vectors(
                vectors, rows=count, dimension=self._embedder.dimension
            )
        return self._background

    def keep_background(self) -> None:
        """Keep the vectors of the background questions, so that no search has to make them."""
        kept = self.store.meta("background")
        if not isinstance(kept, dict) or kept.get("version") != BACKGROUND_VERSION:
            data = self._background_vectors().astype(np.float16).tobytes()
            told = {"version": BACKGROUND_VERSION, "vectors": base64.b64encode(data).decode()}
            self.store.set_meta("background", told)


def _naming(document: Document) -> Document:
    """Return a document that names its picture in the metadata, and holds it no longer."""
    if document.image is None:
        return document
    metadata = {**document.metadata, IMAGE_KEY: document.image.digest}
    return replace(document, image=None, metadata=metadata)


def not_looked_at(document: Document) -> InvalidInput:
    """Return the error where a document's picture would come to nothing."""
    return InvalidInput(
        f"document {document.id!r:.80} is a picture, and this knowledge base looks at none; open "
        "it with settings that name images.model, or leave the document's image out"
    )


def why_reserved(document: Document, pictures: Pictures | None) -> str | None:
    """Return why a document's metadata can not be taken, None if they can.

    By one field a document names its picture. Whoever has a digest of their own in it would have a
    picture that is not there; only one that is there may be named so (a document that was read out
    of the knowledge base).
    """
    name = None if document.image is not None else image_of(document.metadata)
    if name is None or (pictures is not None and not pictures.store.missing({name})):
        return None
    return (
        f"its metadata field {IMAGE_KEY!r} is the one by which documents name their pictures, and "
        f"there is no picture {name[:16]}...; give the field another name"
    )


def open_pictures(
    root: Path, catalogue: CatalogueReader, embedder: ImageEmbedder | None, *, read_only: bool
) -> Pictures | None:
    """Open the pictures of a knowledge base; a writer with a model makes their file.

    Damaged ones keep nobody from the texts who has no model for pictures and only reads: there are
    none then.

    Raises:
        ContractMismatch: they were embedded with another model.
        StoreCorrupt: they are damaged.
        StorageFailed: they can not be read, or not be written.
    """
    path = root / IMAGES
    if path.is_file():
        try:
            store = ImageStore(path, read_only=read_only)
        except StoreCorrupt as error:
            if embedder is not None or not read_only:
                raise
            _log.warning("no pictures are shown: %s", error)
            return None
    elif embedder is None or read_only:
        return None
    else:
        store = ImageStore.create(path, embedder.contract.as_dict())
    try:
        pictures = Pictures(store, catalogue, embedder)
        if embedder is not None:
            store.check_contract(embedder.contract.as_dict())
            if not read_only:
                pictures.keep_background()
    except BaseException:
        store.close()
        raise
    return pictures
