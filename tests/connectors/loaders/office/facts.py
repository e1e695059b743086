"""What each of the made files says and no other does, with an English question for it."""

from __future__ import annotations

FACTS: dict[str, tuple[str, str]] = {
    "deck.pptx": (
        "पुस्तकालय की वार्षिक सदस्यता का शुल्क तीन सौ रुपये है।",
        "How much does a yearly membership of the library cost?",
    ),
    "impress.pptx": (
        "Die Seilbahn fährt im Winter nur bis zur Mittelstation.",
        "How far up does the cable car go in winter?",
    ),
}
"""By the name of the file."""


def fact(name: str) -> str:
    """Return the sentence that only this file has."""
    return FACTS[name][0]
