"""How a process that runs for weeks asks the C library for memory.

With glibc's defaults a service that writes grows to far more than it uses, and more so the more
cores there are. Measured on two cores, eight clients, a quarter of the requests writing: 837 MB
resident, of which 267 were free blocks that were never given back. There are three causes:

- Every thread is given an arena of its own, up to eight a core, and what is freed in one is not
  used by the others. Building the small index of what was just added starts some short-lived
  threads of tantivy each time, each of which filled another arena with 16 MB.
- The end of an arena is given back only above the *trim threshold*, and
- blocks above the *mmap threshold* are, as soon as they are freed. But both thresholds rise, up to
  64 and 32 MB, with the largest block that was ever freed; a model frees larger ones as it loads.

Setting a threshold keeps it where it is set. 4 MB is above what a question needs at a time, so
that searching asks the kernel for no pages (with 1 MB it took 300 page faults a question, among
20,000 passages); what a batch of passages takes is given back after it. Four arenas: what many
threads do at a time is mostly held up by Python's lock, not by the allocator's.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

__all__ = ["give_memory_back"]

_MB = 1 << 20
_OPTIONS = {
    "arena_max": (-8, 4),
    "trim_threshold": (-1, 4 * _MB),
    "mmap_threshold": (-3, 4 * _MB),
}
"""glibc's names of what is set, each with its number in ``malloc.h`` and the value."""


def give_memory_back(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Let this process give freed memory back; return the names of what was set.

    For commands that go on for long, called once before they start threads: it holds for the whole
    process, so no library may do it to whoever imports it. Only glibc can be told; elsewhere
    nothing is done. What the environment says (``MALLOC_ARENA_MAX``, ``GLIBC_TUNABLES`` and so on)
    stays as it is.
    """
    if not _is_glibc():
        return []
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return [
        name
        for name, (number, value) in _OPTIONS.items()
        if not _is_chosen(name, environment) and mallopt(number, value) == 1
    ]


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # no confstr, or none that knows the name
        return False


def _is_chosen(name: str, environment: Mapping[str, str]) -> bool:
    """Tell whether who starts the process has chosen for himself.

    >>> _is_chosen("arena_max", {"MALLOC_ARENA_MAX": "2"}), _is_chosen("arena_max", {})
    (True, False)
    >>> _is_chosen("trim_threshold", {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"})
    True
    """
    variable = f"MALLOC_{name.upper()}"
    return (
        f"glibc.malloc.{name}=" in environment.get("GLIBC_TUNABLES", "")
        or variable in environment
        or f"{variable}_" in environment  # as glibc spells the thresholds
    )
