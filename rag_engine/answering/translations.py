"""What becomes of a question that is translated: its texts, and why there are not more.

Every search is told of them; what makes them (``translating``) is imported where a setting wants
some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag_engine.errors import ServiceError

__all__ = ["NO_TRANSLATIONS", "Translations"]


@dataclass(frozen=True, slots=True)
class Translations:
    """A question in other languages, and why it is not in some that were wanted.

    ``texts`` are other words than those of the question and of its other formulations, each once.
    ``error`` is that of a remote model that failed, if one did.
    """

    texts: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    error: ServiceError | None = None

    def beside(self, formulations: Sequence[str]) -> list[str]:
        """Return the formulations of the question and its translations, each once."""
        return list(dict.fromkeys([*formulations, *self.texts]))


NO_TRANSLATIONS = Translations()
"""None were wanted."""
