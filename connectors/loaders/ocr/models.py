"""Which of Tesseract's installed models read a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rag_engine.connectors.loaders.ocr.tesseract_names import (
    how_to_install,
    is_language,
    language_of,
    script_of,
    tesseract_name,
)
from rag_engine.errors import LoadError

__all__ = ["LATIN", "MOST_AT_ONCE", "Models"]

MOST_AT_ONCE = 3
"""Models of one script that read a page together: each takes its time."""
LATIN = "Latn"
_BESIDE = "eng"
"""Read beside every other script: Latin letters and digits stand in texts of all of them.

The models of other scripts know few Latin letters. On pages of four lines in their script and two
in English, the share of wrong characters fell from 0.20 to 0.01 (Hindi), 0.29 to 0.00 (Arabic) and
0.26 to 0.03 (Thai) with it, and did not rise on pages without English; it has to come last.
"""


class Models:
    """The installed models by their scripts.

    Args:
        installed: Tesseract's names.
    """

    def __init__(self, installed: Iterable[str]) -> None:
        self.installed = tuple(installed)
        self._languages: dict[str, list[str]] = {}
        self._whole: dict[str, str] = {}
        for name in self.installed:
            if name.endswith("_vert"):
                continue  # columns of signs: Tesseract itself asks for them
            script = script_of(name)
            if is_language(name):
                self._languages.setdefault(script, []).append(name)
            elif script:
                self._whole[script] = name
        for names in self._languages.values():
            names.sort(key=lambda name: (name == _BESIDE, name))

    @property
    def scripts(self) -> list[str]:
        """The scripts (ISO 15924) that can be read, sorted."""
        return sorted(({*self._languages, *self._whole}) - {""})

    def named(self, languages: Sequence[str]) -> tuple[str, ...]:
        """Return the models of languages that a person named.

        Raises:
            LoadError: one of them is not installed; it says how to install it.
        """
        names = tuple(dict.fromkeys(tesseract_name(one, self.installed) for one in languages))
        missing = [name for name in names if name not in self.installed]
        if missing:
            asked = ", ".join(map(repr, languages))
            raise LoadError(
                f"Tesseract has no {', '.join(map(repr, missing))} for ocr.languages = [{asked}]: "
                f"{how_to_install(missing)}; installed: {', '.join(self.installed) or 'none'}"
            )
        return names

    def of_scripts(self, scripts: Sequence[str], languages: Sequence[str] = ()) -> tuple[str, ...]:
        """Return what reads some scripts at once, best first; empty if nothing can.

        Where there are more than ``MOST_AT_ONCE`` languages of them, the model of the whole
        script reads it, if there is one; else those of ``languages`` (BCP-47) come first.
        """
        found: list[str] = []
        for script in scripts:
            names = self._languages.get(script, [])
            if len(names) > MOST_AT_ONCE and script in self._whole:
                names = [self._whole[script]]
            found += names or [self._whole[script]] if script in self._whole else names
        wanted = [language.partition("-")[0] for language in languages]
        found.sort(key=_rank(wanted))
        found = found[:MOST_AT_ONCE]
        if found and LATIN not in scripts and _BESIDE in self.installed:
            found.append(_BESIDE)
        return tuple(found)


def _rank(wanted: Sequence[str]) -> Callable[[str], int]:
    def rank(name: str) -> int:
        language = language_of(name).partition("-")[0] if is_language(name) else ""
        return wanted.index(language) if language in wanted else len(wanted)

    return rank
