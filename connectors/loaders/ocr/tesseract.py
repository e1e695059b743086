"""The ``tesseract`` command: asked for a page at a time, within limits on memory and time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rag_engine.connectors.loaders.ocr.ink import ink_outside
from rag_engine.connectors.loaders.ocr.page_text import PageText, page_text
from rag_engine.errors import LoadError, LoadLimitExceeded

__all__ = ["Page", "Tesseract", "Turn"]

_MEMORY_MB = 1_024
"""Address space of one run, in MiB: 25 million pixels in two languages take less than 300."""
_CHARACTERS_OF_AN_ERROR = 200
_PASSED_ON = ("PATH", "TESSDATA_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
_LIMITED = 'ulimit -c 0; ulimit -f 0; ulimit -t $1; ulimit -v $2 2>/dev/null; shift 2; exec "$@"'
"""macOS knows no ``ulimit -v``; the limit on time holds there all the same."""
_LIST_S = 30.0
_KEEP_SPECKLED_ROWS = ("-c", "textord_noise_rejrows=0")
"""Arabic lines are full of dots; Tesseract takes every other one for noise and drops it whole."""
_OTHER_LAYOUTS = ("4", "6")
"""A column of text, and a block of it: what finds lines that the usual search for them loses."""
_MOST_INK_OUTSIDE = 0.1
_GAIN = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in shades of grey: ``(height, width)`` uint8, 0 black; ``dpi`` 0 where not known."""

    grey: NDArray[np.uint8]
    dpi: int

    def turned(self, degrees: int) -> Page:
        """Return the page turned clockwise by a multiple of 90 degrees."""
        return Page(grey=np.rot90(self.grey, -degrees // 90), dpi=self.dpi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a look at a page tells."""

    script: str
    """Tesseract's word for it."""
    degrees: int
    """By how many to turn the page clockwise to make it upright: 0, 90, 180 or 270."""


class Tesseract:
    """Runs the command: one thread of one process for a page.

    Args:
        command: its name or path.
    """

    def __init__(self, command: str = "tesseract") -> None:
        self._command = command

    @cached_property
    def path(self) -> str | None:
        """Where the command is; None: it is not installed."""
        return shutil.which(self._command)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The names of all installed languages and scripts, sorted.

        Raises:
            LoadError: the command does not tell them.
        """
        printed = self._run(["--list-langs"], b"", _LIST_S)
        return tuple(sorted(line.strip() for line in printed.splitlines()[1:] if line.strip()))

    @property
    def tells_scripts(self) -> bool:
        """Whether the model is installed that tells scripts and turned pages."""
        return "osd" in self.models

    def look(self, page: Page, *, timeout_s: float) -> Turn | None:
        """Tell a page's script, and how it lies; None if there is too little on it for that.

        Raises:
            LoadLimitExceeded: it takes longer.
        """
        try:
            printed = self._read(page, ["--psm", "0"], timeout_s)
        except LoadLimitExceeded:
            raise
        except LoadError:
            return None  # "Too few characters. Skipping this page"
        facts = dict(re.findall(r"^([A-Z][a-z ]+): (\S+)$", printed, re.MULTILINE))
        try:
            return Turn(script=facts["Script"], degrees=int(facts["Rotate"]))
        except (KeyError, ValueError):
            return None

    def read(
        self, page: Page, models: tuple[str, ...], *, upright: bool, timeout_s: float
    ) -> PageText:
        """Read a page with some models at once; one not ``upright`` may be turned by Tesseract.

        Raises:
            LoadError: it can not be read.
            LoadLimitExceeded: it takes longer.
        """
        until = time.monotonic() + timeout_s
        layout = "1" if self.tells_scripts and not upright else "3"
        best = self._lines(page, models, layout, timeout_s)
        if not best.text or ink_outside(page.grey, best.boxes) <= _MOST_INK_OUTSIDE:
            return best
        # Lines may be lost. So are pictures, in which no other layout finds more text.
        for other in _OTHER_LAYOUTS:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                found = self._lines(page, models, other, left)
            except LoadError:
                break  # what was read counts
            if found.sure_characters > _GAIN * best.sure_characters:
                return found
        return best

    def _lines(
        self, page: Page, models: tuple[str, ...], layout: str, timeout_s: float
    ) -> PageText:
        options = ["-l", "+".join(models), "--psm", layout, *_KEEP_SPECKLED_ROWS]
        return page_text(self._read(page, options, timeout_s, outputs=["tsv", "txt"]))

    def _read(
        self, page: Page, options: list[str], timeout_s: float, outputs: list[str] | None = None
    ) -> str:
        height, width = page.grey.shape
        picture = b"P5 %d %d 255\n" % (width, height) + page.grey.tobytes()
        resolution = ["--dpi", str(page.dpi)] if page.dpi else []
        arguments = ["stdin", "stdout", *options, *resolution, *(outputs or [])]
        return self._run(arguments, picture, timeout_s)

    def _run(self, arguments: list[str], given: bytes, timeout_s: float) -> str:
        if self.path is None:
            raise LoadError(f"there is no command {self._command!r}")
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"LC_ALL": "C", "OMP_THREAD_LIMIT": "1"}
        # The limits are set by a shell: code of ours between fork and exec is unsafe in threads.
        # That on processor time ends a run whose parent was killed.
        limits = (str(max(1, round(timeout_s)) + 1), str(_MEMORY_MB << 10))
        with subprocess.Popen(
            ["/bin/sh", "-c", _LIMITED, "sh", *limits, self.path, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # a Ctrl-C is meant for the parent
        ) as process:
            try:
                printed, said = process.communicate(given, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                raise LoadLimitExceeded(f"it took longer than {timeout_s:.0f} s") from None
            finally:
                if process.poll() is None:  # out of time, or we are interrupted
                    process.kill()
        if process.returncode:
            told = " ".join(said.decode("utf-8", "replace").split())[-_CHARACTERS_OF_AN_ERROR:]
            raise LoadError(f"Tesseract failed (status {process.returncode}): {told}")
        return printed.decode("utf-8", "replace")
