"""What a model can be exported to, and the name of the one that is there already."""

from __future__ import annotations

from typing import Literal

__all__ = ["BUNDLED", "Target"]

Target = Literal["onnx", "openvino", "sentence-transformers"]

BUNDLED = "bundled"
"""The name that stands for the model that comes with the ``cpu`` extra."""
