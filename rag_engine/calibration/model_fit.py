"""What ``rag-engine fit`` found out about a model, in one file that goes with it.

The package carries these figures for the bundled model alone. Those of any other model are fitted
once and kept in a ``.npz`` without pickle: where its languages lie, in which directions its tokens
are compared and what they weigh, which cosines are usual, and how cosines become probabilities.

A knowledge base does not copy the file, as it does not copy the model: it keeps the SHA-256 of the
figures in its contract, and opens with no others. A copy would be a second truth, which goes on
scoring by old figures where the model's were fitted anew, or by none that belong to the vectors of
the model that is there. So scores change when somebody indexes anew, and never silently.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from copy import Error as CopyError
from copy import copy
from dataclasses import astuple, dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.null_distribution import ModelPrior
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.calibration.token_space import TokenSpace, load_token_space
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.ports import Embedder, Float32Array, TokenEmbedder
from rag_engine.store.files import write_bytes

__all__ = [
    "FIT_FILE",
    "ModelFit",
    "fit_beside",
    "fit_of",
    "prior_of",
    "token_space_of",
    "with_fit",
]

FIT_FILE = "rag_engine_fit.npz"
"""The file's name beside a model's own files."""
_FORMAT = 1
_VERSION = "fit-1"
"""The token space of a fit, in an index's contract; goes up when tokens are compared otherwise."""
_COMPARED = ("weights", "dimension", "pooling", "normalised", "query_prompt", "passage_prompt")
"""Fields of the contract that change vectors. The rest is a name and how much is read."""
_SERVED = "served"
"""What a service says of its weights that does not tell which they are: its name must do."""
_SCALE = tuple(field.name for field in fields(SimilarityScale) if field.name != "fitted_on")

_Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class ModelFit:
    """The figures of one model, as the arrays that are kept; ``make`` puts them together.

    What is read from a file and what was just fitted are the same to the last bit: both are in the
    precision of the file.
    """

    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def make(
        cls,
        contract: EmbedderContract,
        prior: LanguagePrior,
        *,
        basis: Float32Array | None = None,
        background: Float32Array | None = None,
        token_weights: Float32Array | None = None,
        made_of: Mapping[str, object] | None = None,
    ) -> ModelFit:
        """Put together what was fitted to the model with this contract.

        ``basis`` ``(width, dimension)`` and ``background`` ``(n, width)`` are those of a
        ``TokenSpace``; ``token_weights`` ``(vocabulary,)`` what each token weighs, where the
        tokenizer does not say it. ``made_of`` is told to whoever asks what was fitted to what.
        """
        middle = np.empty(0) if prior.middle is None else prior.middle
        arrays: _Arrays = {
            "format": np.array(_FORMAT),
            "contract": np.array(json.dumps(contract.as_dict(), sort_keys=True)),
            "languages": np.array(prior.languages, dtype="U35"),
            "offsets": prior.offsets.astype(np.float16),
            "middle": middle.astype(np.float16),
            "usual": np.array(astuple(prior.model_prior) if prior.model_prior else []),
            "basis": (np.empty((0, 0)) if basis is None else basis).astype(np.float16),
            "background": (np.empty((0, 0)) if background is None else background).astype(
                np.float16
            ),
            "token_weights": (np.empty(0) if token_weights is None else token_weights).astype(
                np.float16
            ),
            "made_of": np.array(json.dumps(made_of or {}, sort_keys=True)),
        }
        scale = prior.similarity
        if scale is not None:
            arrays["scale"] = np.array([getattr(scale, name) for name in _SCALE])
            arrays["scale_languages"] = np.array(scale.fitted_on, dtype="U35")
        return cls(arrays)

    @cached_property
    def identity(self) -> str:
        """The SHA-256 of the figures, which an index keeps in its contract.

        What only tells how they were made (``made_of``) is left out.
        """
        digest = hashlib.sha256()
        for name in sorted(self.arrays):
            if name != "made_of":
                array = np.ascontiguousarray(self.arrays[name])
                digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()

    @cached_property
    def contract(self) -> dict[str, Any]:
        """What the model promised that it was fitted to."""
        contract: dict[str, Any] = json.loads(str(self.arrays["contract"]))
        return contract

    @cached_property
    def made_of(self) -> dict[str, Any]:
        """How it was made."""
        made_of: dict[str, Any] = json.loads(str(self.arrays["made_of"]))
        return made_of

    @cached_property
    def prior(self) -> LanguagePrior:
        """Where languages lie, the usual cosines, and the scale of similarity if there is one."""
        usual, middle = self.arrays["usual"], self.arrays["middle"]
        scale = None
        if "scale" in self.arrays:
            figures = dict(zip(_SCALE, self.arrays["scale"].tolist(), strict=True))
            names = tuple(str(name) for name in self.arrays["scale_languages"])
            scale = SimilarityScale(**figures, fitted_on=names)
        return LanguagePrior(
            languages=tuple(str(language) for language in self.arrays["languages"]),
            offsets=self.arrays["offsets"].astype(np.float32),
            middle=middle.astype(np.float32) if middle.size else None,
            model_prior=ModelPrior(*usual.tolist()) if usual.size else None,
            similarity=scale,
        )

    @cached_property
    def token_space(self) -> TokenSpace | None:
        """Where tokens are compared; None: those of this model can not be had."""
        basis = self.arrays["basis"].astype(np.float32)
        if not basis.size:
            return None
        background = self.arrays["background"].astype(np.float32)
        return TokenSpace(version=_VERSION, basis=basis, background=background)

    @cached_property
    def token_weights(self) -> Float32Array | None:
        """What each token of the vocabulary weighs, ``(vocabulary,)``; None: its tokenizer says."""
        weights = self.arrays["token_weights"].astype(np.float32)
        return weights if weights.size else None

    def save(self, path: Path) -> None:
        """Write it into the file ``path``, durably, whole or not at all."""
        whole = io.BytesIO()
        arrays: dict[str, Any] = dict(self.arrays)
        np.savez_compressed(whole, **arrays)
        write_bytes(path, whole.getvalue())

    @classmethod
    def load(cls, path: Path) -> ModelFit:
        """Read what ``save`` wrote.

        Raises:
            ModelError: there is no such file, it is damaged, or of another version.
        """
        try:
            # Opened here: of a damaged file NumPy leaves its own open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                fit = cls({name: kept[name] for name in kept.files})
            fit._check(path)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{path} is no fit of a model that can be read ({type(error).__name__}: {error}); "
                "make one with `rag-engine fit MODEL --parallel FILE`"
            ) from error
        return fit

    def _check(self, path: Path) -> None:
        """Look at everything once, so that nothing damaged is found in the middle of a search."""
        if int(self.arrays["format"]) != _FORMAT:
            raise ModelError(
                f"{path} has format {self.arrays['format']}, this version reads {_FORMAT}; fit the "
                "model again with `rag-engine fit`"
            )
        dimension, prior, space = int(self.contract["dimension"]), self.prior, self.token_space
        shapes = [prior.offsets.shape == (len(prior.languages), dimension)]
        shapes += [prior.middle is None or prior.middle.shape == (dimension,)]
        if space is not None:
            width = len(space.basis)
            shapes += [space.basis.shape == (width, dimension)]
            shapes += [space.background.shape == (len(space.background), width)]
        numbers = [each for each in self.arrays.values() if each.dtype.kind == "f"]
        if not all(shapes) or not all(np.isfinite(each).all() for each in numbers):
            raise ValueError("its arrays do not fit together")
        _ = self.token_weights, self.made_of, self.identity

    def check(self, contract: EmbedderContract) -> None:
        """Refuse a model that it was not fitted to.

        Raises:
            ModelError: naming what differs.
        """
        names = _COMPARED + (("model",) if contract.weights == _SERVED else ())
        given = contract.as_dict()
        differing = [
            f"{name}: fitted to {self.contract.get(name)!r:.80}, the model has {given[name]!r:.80}"
            for name in names
            if self.contract.get(name) != given[name]
        ]
        if differing:
            raise ModelError(
                f"the fit is of another model than {contract.model!r} ({'; '.join(differing)}); "
                "fit this one with `rag-engine fit`, or name its own fit (embedder.fit)"
            )


def with_fit(embedder: Embedder, fit: ModelFit) -> Embedder:
    """Return a shallow copy of an embedder that has a fit, as its attribute ``fit``.

    The model in it is shared, the embedder itself stays as it is: a part of one's own may return
    the same object for every knowledge base, and each of these has a fit of its own, or none.

    Raises:
        ModelError: it is of another model.
        InvalidInput: the embedder can not be copied, or takes no attribute.
    """
    fit.check(embedder.contract)
    kind = type(embedder)
    if hasattr(kind, "__del__") and not hasattr(kind, "__copy__"):
        raise InvalidInput(
            f"{kind.__name__} can not be given a fit: it has a __del__, which would run for each "
            "copy and close what all of them share; give it a __copy__ that returns a copy of its "
            "own, or close by weakref.finalize"
        )
    try:
        copied = copy(embedder)
        if copied is embedder:
            raise TypeError("its copy is the same object")
        copied.fit = fit  # type: ignore[attr-defined]
        # What is done at the original's end (weakref.finalize) may close what both share.
        copied.fit_came_to = embedder  # type: ignore[attr-defined]
    except (AttributeError, TypeError, CopyError) as error:
        raise InvalidInput(
            f"{kind.__name__} can not be given a fit ({error}): let copy.copy make another object "
            "of it, which takes the attributes 'fit' and 'fit_came_to'"
        ) from error
    return copied


def fit_beside(model: str) -> Path | None:
    """Return where the fit of a model lies by itself: in its directory, None if it has none.

    >>> fit_beside("owner/name-on-the-hub") is None
    True
    """
    folder = Path(model).expanduser()
    return folder / FIT_FILE if model and folder.is_dir() else None


def fit_of(embedder: Embedder) -> ModelFit | None:
    """Return the fit that an embedder was given, if any."""
    fit = getattr(embedder, "fit", None)
    return fit if isinstance(fit, ModelFit) else None


def prior_of(embedder: Embedder) -> LanguagePrior | None:
    """Return the prior of an embedder's model: that of its fit, or the one that is shipped."""
    fit = fit_of(embedder)
    return load_prior(embedder.contract.weights) if fit is None else fit.prior


def token_space_of(embedder: Embedder) -> TokenSpace | None:
    """Return where the tokens of an embedder's model are compared, if it gives any."""
    if not isinstance(embedder, TokenEmbedder):
        return None
    own = getattr(embedder, "own_token_space", None)
    if isinstance(own, TokenSpace):
        return own
    fit = fit_of(embedder)
    space = _shipped_space(embedder.contract.weights) if fit is None else fit.token_space
    serves = getattr(embedder, "serves_basis", None)  # one that asks a service, or has no tokens
    return space if space is None or serves is None or serves(space.basis) else None


@lru_cache(maxsize=8)
def _shipped_space(weights: str) -> TokenSpace | None:
    return load_token_space(weights)
