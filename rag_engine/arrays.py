"""The arrays that pass between the parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Float32Array", "Int64Array"]

Float32Array = npt.NDArray[np.float32]
Int64Array = npt.NDArray[np.int64]
