"""What OpenVINO decided when it compiled a model, kept for the next process: half of the time.

It is kept beside the model's prepared folder, without weights that are used as they stand there:
0.7 MB for E5-small, and 23 in eight bits, where matrices are laid out anew. It is for one OpenVINO,
one processor, one way to compute and one model, whose digest names its folder; with any other the
model is compiled as ever, and so it is where nothing can be kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.embedders.model_cache import MANIFEST, intact, prepared
from rag_engine.connectors.embedders.openvino_runtime import load_openvino, processor_flags

__all__ = ["KeptCompilation"]

_FILE = "compiled.blob"
_WITHOUT_WEIGHTS = {"CACHE_MODE": "OPTIMIZE_SIZE"}
_WEIGHTS = "WEIGHTS_PATH"

_log = logging.getLogger(__name__)


class KeptCompilation:
    """Compiles the file ``model`` of a prepared folder, or imports what was kept of doing so."""

    def __init__(self, core: Any, model: Path, properties: Mapping[str, object]) -> None:
        self._core = core
        self._model = model
        self._can_keep = _WEIGHTS in core.get_property("CPU", "SUPPORTED_PROPERTIES")
        self._properties = {**properties, **(_WITHOUT_WEIGHTS if self._can_keep else {})}
        self._to_keep: Any = None
        self.memory: Any = None
        """What the imported model reads its constants from, as long as it lives; None: itself."""

    def compiled(self) -> Any:
        """Return the ``openvino.CompiledModel``.

        Raises:
            RuntimeError: OpenVINO can not compile it.
        """
        if self._can_keep and intact(place := self._place()):
            try:
                return self._imported(place)
            except RuntimeError as error:
                _log.info("the compiled model %s can not be imported: %s", place, error)
        graph = self._core.read_model(self._model)
        compiled = self._core.compile_model(graph, "CPU", self._properties)
        self._to_keep = compiled if self._can_keep else None
        return compiled

    def keep(self) -> None:
        """Keep what was compiled, if it was not imported, once the weights are known to be right.

        Constants that were computed from them are a part of it.
        """
        if self._to_keep is None:
            return
        try:
            prepared(self._place(), self._export)
        except (OSError, RuntimeError) as error:
            _log.info("the compiled model is not kept: %s", error)
        self._to_keep = None

    def _imported(self, place: Path) -> Any:
        # A tensor of its own memory: the model reads from there, and does not keep what numpy has.
        told = load_openvino().Tensor(np.fromfile(place / _FILE, np.uint8), shared_memory=False)
        named = {**self._properties, _WEIGHTS: str(self._model.with_suffix(".bin"))}
        imported = self._core.import_model(told, "CPU", named)
        self.memory = told
        return imported

    def _export(self, folder: Path) -> None:
        (folder / _FILE).write_bytes(self._to_keep.export_model().getvalue())

    def _place(self) -> Path:
        """Return a folder whose name tells all that the compiled model depends on."""
        core, folder = self._core, self._model.parent
        told = {
            "openvino": load_openvino().get_version(),
            "processor": core.get_property("CPU", "FULL_DEVICE_NAME"),
            "can": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
            "flags": sorted(processor_flags()),
            "properties": {name: str(value) for name, value in self._properties.items()},
            "model": (folder / MANIFEST).read_text(encoding="utf-8"),
        }
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return folder.with_name(f"{folder.name}-{digest[:16]}")
