"""The file in which ``FairEmbeddings`` keeps what it subtracts, and of which model that is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.model_fit import fit_of
from rag_engine.errors import InvalidInput, StoreCorrupt, StoreNotFound
from rag_engine.ports import Embedder, Float32Array
from rag_engine.store.failures import storage
from rag_engine.store.files import write_bytes

__all__ = ["KeptMeans", "promised"]

_FORMAT = 1
"""Raise it with any change to the file, or to what is made of its figures."""
_FIT, _NONE = "fit", "none"
_ALIKE = 0.99
"""The least cosine of the same text's vectors by the same model, however it is computed."""


def promised(embedder: Embedder) -> dict[str, object]:
    """Return what has to stay as it is: the fields of the contract, and ``fit``, which one it has.

    ``fit`` is the SHA-256 of its figures; it is left out where there is none.
    """
    fit = fit_of(embedder)
    return {**embedder.contract.as_dict(), **({} if fit is None else {_FIT: fit.identity})}


@dataclass(frozen=True, slots=True)
class KeptMeans:
    """Means of languages with the model that they are of.

    ``contract`` is what ``promised`` told of the model; ``probe`` ``(dimension,)`` is its vector
    of ``PROBE``, as a passage, by which another model of the same name is noticed.
    """

    PROBE = "Water boils at one hundred degrees."

    means: LanguageMeans
    contract: Mapping[str, object]
    probe: Float32Array

    def write(self, path: Path, *, replace: bool) -> None:
        """Write the file durably; the name is given at the end, so that none is ever half there.

        Raises:
            InvalidInput: there is one, and it is not to be replaced.
            StorageFailed: it can not be written.
        """
        if path.exists() and not replace:
            raise InvalidInput(
                f"{path} is there already: vectors in a store may depend on it; open it "
                "(FairEmbeddings.open), or give replace=True and fill the store anew"
            )
        whole = io.BytesIO()
        arrays = {
            **self.means.to_arrays(),
            "format": np.array(_FORMAT),
            "contract": np.array(json.dumps(dict(self.contract))),
            "probe": self.probe,
        }
        np.savez(whole, **arrays)  # type: ignore[arg-type]
        with storage("keeping the means of languages", path):
            write_bytes(path, whole.getvalue())

    @classmethod
    def read(cls, path: Path) -> KeptMeans:
        """Read what ``write`` wrote.

        Raises:
            StoreNotFound: there is no such file.
            StorageFailed: it can not be read.
            StoreCorrupt: it is damaged, of another kind, or of a later version.
        """
        if not path.exists():
            raise StoreNotFound(
                f"{path}: there is no such file; make one: FairEmbeddings.fit(texts, path)"
            )
        try:
            with (
                storage("reading the means of languages", path),
                path.open("rb") as file,  # np.load would leave it open where it is damaged
                np.load(file, allow_pickle=False) as loaded,
            ):
                arrays = dict(loaded)
            version = int(arrays["format"])
            kept = cls(
                LanguageMeans.from_arrays(arrays),
                json.loads(str(arrays["contract"])),
                arrays["probe"].astype(np.float32),
            )
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise StoreCorrupt(
                f"{path} is no file of FairEmbeddings, or damaged ({error!r:.200}); bring it back, "
                "or fit anew and fill the store anew"
            ) from error
        if version != _FORMAT:
            raise StoreCorrupt(
                f"{path} has format {version}, and this version reads {_FORMAT}; open it with the "
                "version of rag-engine that wrote it, or fit anew and fill the store anew"
            )
        return kept

    def check(self, path: Path, given: Mapping[str, object], probe: Float32Array) -> None:
        """See that a model which promises what is ``given``, with a vector of ``PROBE``, is meant.

        Raises:
            InvalidInput: it is another one.
        """
        names = [*given, *({_FIT} & self.contract.keys() - given.keys())]
        differing = [
            f"{name}: {self.contract.get(name, _NONE)!r} there, {given.get(name, _NONE)!r} given"
            for name in names
            if self.contract.get(name, _NONE) != given.get(name, _NONE)
        ]
        if not differing and float(self.probe @ probe) < _ALIKE:
            differing = [f"weights: {KeptMeans.PROBE!r} has another vector now"]
        if differing:
            raise InvalidInput(
                f"{path} is of another model ({'; '.join(differing)}); open it with the one that "
                "it was fitted with, or fit anew and fill the store anew"
            )
