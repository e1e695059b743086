"""``rag-engine fit``: what makes search fair, for a model that the package knows nothing of."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_engine.calibration.model_fit import ModelFit, fit_beside
from rag_engine.calibration.model_fitting import (
    Aligned,
    Paired,
    WeighsTokens,
    fit_model,
    gives_tokens,
)
from rag_engine.connectors.embedders.exported import DESCRIPTION
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.parallel_files import read_parallel_file
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Embedder
from rag_engine.records import Problem
from rag_engine.settings import BundledEmbedderSettings, EmbedderSettings, Settings
from rag_engine.store.failures import storage

__all__ = ["embedder_named", "fit"]

_BUNDLED = "bundled"
_FIT_ARRAYS = {"format.npy", "contract.npy"}
"""What every fit holds (``ModelFit``), and no other file of arrays."""


def fit(
    settings: EmbedderSettings,
    files: Sequence[Path],
    *,
    out: Path | None,
    sentences: int,
    replace: bool,
) -> Outcome:
    """Fit the embedder that the settings name, and write what was found.

    Raises:
        InvalidInput: the bundled model, whose figures are shipped; nowhere to write to, or a fit
            is there already; a file that can not be read; too few sentences or languages.
        StorageFailed: the fit can not be written.
    """
    path = _target(settings, out, replace=replace)
    sources: list[Aligned | Paired] = []
    problems: list[Problem] = []
    with Bar(unit="file") as bar:
        for number, file in enumerate(files):
            bar.stage("reading", number, len(files))
            source, its_problems = read_parallel_file(file)
            sources.append(source)
            problems += its_problems
    embedder = build_embedder(settings.model_copy(update={"fit": "none"}))
    with Bar(unit="language") as bar:
        found = fit_model(embedder, sources, sentences=sentences, on_stage=bar.stage)
    with storage("writing the fit", path):
        found.save(path)
    result = {
        "file": str(path),
        "identity": found.identity,
        "model": embedder.contract.model,
        **found.made_of,
        "token_vectors": found.token_space is not None,
        "tokens_refused": _refused(embedder),
        "token_weights": _token_weights(embedder, found),
    }
    return Outcome(result=result, lines=list(_lines(result)), problems=problems)


def embedder_named(model: str | None, settings: Settings | None) -> EmbedderSettings:
    """Return the settings of the embedder that a command line names: by itself, or in a file.

    Raises:
        InvalidInput: both, or neither; or the bundled model.
    """
    if (model is None) == (settings is None):
        raise InvalidInput(
            "name a MODEL (a directory, a hub name, or module:Class), or the --settings whose "
            f"embedder it is; {'both were' if model else 'neither was'} given"
        )
    if settings is not None:
        return settings.embedder
    assert model is not None
    if model == _BUNDLED:
        return BundledEmbedderSettings()
    if Path(model).expanduser().is_dir():
        exported = (Path(model).expanduser() / DESCRIPTION).is_file()
        kind = "exported" if exported else "sentence-transformer"
        data: dict[str, Any] = {"kind": kind, "model": model}
    elif ":" in model:
        data = {"kind": model}
    else:
        data = {"kind": "sentence-transformer", "model": model}
    return Settings.checked({"embedder": data}, origin=f"MODEL {model!r:.80}").embedder


def _target(settings: EmbedderSettings, out: Path | None, *, replace: bool) -> Path:
    if isinstance(settings, BundledEmbedderSettings):
        raise InvalidInput("the bundled model needs no fit: its figures come with the package")
    path = fit_beside(str(getattr(settings, "model", ""))) if out is None else out
    if path is None:
        raise InvalidInput(
            "the model has no directory here for its fit to lie in; name a file with --out, and "
            "later in the settings (embedder.fit)"
        )
    if path.exists() and not replace:
        raise InvalidInput(
            f"{path} exists, and knowledge bases that were built with it open with no other; write "
            "elsewhere (--out FILE), or --replace it and index anew"
        )
    if path.exists() and not _is_fit(path):
        raise InvalidInput(
            f"{path} is no fit, and --replace replaces nothing else; write elsewhere (--out FILE), "
            "or delete it"
        )
    return path


def _is_fit(path: Path) -> bool:
    """Tell whether a file is a fit, be it damaged or of another version."""
    try:
        with zipfile.ZipFile(path) as arrays:
            return set(arrays.namelist()) >= _FIT_ARRAYS
    except (OSError, zipfile.BadZipFile):
        return False


def _refused(embedder: Embedder) -> str | None:
    """Return why there are no token vectors, None where there are."""
    if gives_tokens(embedder):
        return None
    return getattr(embedder, "tokens_refused", "") or "the embedder gives one vector a text alone"


def _token_weights(embedder: Embedder, found: ModelFit) -> str | None:
    if found.token_space is None:
        return None
    if found.token_weights is not None:
        return "counted in the sentences"
    told = isinstance(embedder, WeighsTokens) and embedder.weighs_tokens
    return "told by the tokenizer" if told else "told by the embedder"


def _lines(result: dict[str, Any]) -> list[str]:
    sources = ", ".join(result["sources"])
    lines = [
        f"{result['file']}: {result['model']}, from {result['sentences']:,} sentences in "
        f"{result['languages']} languages ({sources})"
    ]
    if result["token_vectors"]:
        lines.append(f"late interaction: yes; what tokens weigh was {result['token_weights']}")
    else:
        lines.append(f"late interaction: no: {result['tokens_refused']}")
    lines.append(f"identity: {result['identity']}")
    named = json.dumps(result["file"], ensure_ascii=False)
    if result["file"].endswith("rag_engine_fit.npz"):
        lines.append(
            "new knowledge bases use it; those that were built without go on without: to use it, "
            "have their documents embedded anew (rag-engine reembed)"
        )
    else:
        lines.append(f"to use it: [embedder] fit = {named}")
    return lines
