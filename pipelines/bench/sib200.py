"""Texts whose topics are known, in many languages: SIB-200's files, as its repository has them.

SIB-200 (Adelani et al. 2024, "SIB-200: A Simple, Inclusive, and Big Evaluation Dataset for Topic
Classification in 200+ Languages and Dialects") gives FLORES' sentences one of seven topics. Its
folder ``data/annotated`` has a folder for each language, with ``train.tsv``, ``dev.tsv`` and
``test.tsv``: index_id, category, text.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag_engine.errors import InvalidInput
from rag_engine.tasks.classification import Label

__all__ = ["DESCRIBED", "NAMES", "Split", "TopicTexts", "languages_of", "read_topics"]

Split = Literal["train", "dev", "test"]

_TOPICS = ("science/technology", "travel", "politics", "sports", "health", "entertainment",
           "geography")  # fmt: skip

NAMES: dict[str, tuple[str, ...]] = {
    "eng_Latn": _TOPICS,
    "deu_Latn": ("Wissenschaft und Technik", "Reisen", "Politik", "Sport", "Gesundheit",
                 "Unterhaltung", "Geografie"),
    "spa_Latn": ("ciencia y tecnología", "viajes", "política", "deportes", "salud",
                 "entretenimiento", "geografía"),
    "rus_Cyrl": ("наука и технологии", "путешествия", "политика", "спорт", "здоровье",
                 "развлечения", "география"),
    "zho_Hans": ("科学与技术", "旅游", "政治", "体育", "健康", "娱乐", "地理"),
    "hin_Deva": ("विज्ञान और प्रौद्योगिकी", "यात्रा", "राजनीति", "खेल", "स्वास्थ्य", "मनोरंजन", "भूगोल"),
    "swh_Latn": ("sayansi na teknolojia", "usafiri", "siasa", "michezo", "afya", "burudani",
                 "jiografia"),
    "tur_Latn": ("bilim ve teknoloji", "seyahat", "siyaset", "spor", "sağlık", "eğlence",
                 "coğrafya"),
}  # fmt: skip
"""The seven topics in eight languages, in the order of ``DESCRIBED``; our own words."""

DESCRIBED: tuple[Label, ...] = tuple(
    Label(name, text, "en")
    for name, text in zip(
        _TOPICS,
        (
            "research, physics, biology, computers, inventions",
            "trips, tourism, transport, hotels, places to visit",
            "government, elections, war, laws, diplomacy",
            "matches, athletes, teams, competitions",
            "diseases, medicine, hospitals, doctors",
            "film, music, television, celebrities, art",
            "countries, rivers, mountains, climate, cities",
        ),
        strict=True,
    )
)
"""SIB-200's topics, described in English in our own words."""


@dataclass(frozen=True, slots=True)
class TopicTexts:
    """Texts of one language, by ascending ``ids``: the same id is the same sentence elsewhere.

    ``topics`` are their topics' names.
    """

    ids: tuple[int, ...]
    topics: tuple[str, ...]
    texts: tuple[str, ...]


def languages_of(folder: Path) -> list[str]:
    """Return the languages that a folder has, as it writes them, sorted.

    Raises:
        InvalidInput: it is no folder of SIB-200's.
    """
    found = sorted(path.parent.name for path in folder.glob("*/test.tsv"))
    if not found:
        raise InvalidInput(
            f"{folder} holds no LANGUAGE/test.tsv; name the folder data/annotated of a copy of "
            "SIB-200's repository (github.com/dadelani/sib-200)"
        )
    return found


def read_topics(folder: Path, language: str, splits: Sequence[Split]) -> TopicTexts:
    """Read the texts of a language.

    Raises:
        InvalidInput: a file is missing, or has other columns.
    """
    rows: list[tuple[int, str, str]] = []
    for split in splits:
        path = folder / language / f"{split}.tsv"
        try:
            with path.open(encoding="utf-8", newline="") as file:
                read = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                rows += [(int(row["index_id"]), row["category"], row["text"]) for row in read]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} can not be read: {error}") from error
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidInput(
                f"{path} is a table of index_id, category and text with tabs between: {error!r}"
            ) from error
    rows.sort()
    ids, topics, texts = zip(*rows, strict=True) if rows else ((), (), ())
    return TopicTexts(tuple(ids), tuple(topics), tuple(texts))
