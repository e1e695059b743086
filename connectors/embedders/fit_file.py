"""Where the fit of a model lies that the settings name."""

from __future__ import annotations

from pathlib import Path

from rag_engine.calibration.model_fit import fit_beside
from rag_engine.settings import BundledEmbedderSettings, EmbedderSettings

__all__ = ["fit_path"]

_AUTO, _NONE = "auto", "none"


def fit_path(settings: EmbedderSettings) -> Path | None:
    """Return the file that the settings name or mean; None: there is none.

    A file that is named need not be there: who opens it is told.
    """
    if isinstance(settings, BundledEmbedderSettings) or settings.fit == _NONE:
        return None
    if settings.fit != _AUTO:
        return Path(settings.fit).expanduser()
    beside = fit_beside(str(getattr(settings, "model", "")))
    return beside if beside is not None and beside.is_file() else None
