"""Makes parallel examples from translated programs: ``make_message_pairs LOCALE OUT``.

``LOCALE`` is a folder of gettext catalogues as Linux has them, ``LANGUAGE/LC_MESSAGES/*.mo``: what
programs say, in English and in some two hundred languages, many of which have hardly any other
parallel text. ``OUT`` receives JSON Lines for ``rag-engine train embedder``: an English message and
its translation, or two translations of one. The result depends on the folder and the seed alone.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import polib

from rag_engine.connectors.training.examples import Example
from rag_engine.errors import InvalidInput
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language

__all__ = ["main", "message_pairs"]

_SEED = 20_261_128
_PAIRS_A_LANGUAGE = 120
_FEWEST = 20
"""Of languages with fewer messages a model learns next to nothing."""
_WORDS = range(3, 25)
_BETWEEN_TRANSLATIONS = 1 / 4
_SYMMETRIC = 1 / 2
_MARKUP = frozenset("%{}<>[]$\\|=\n\t")
"""What stands for something else, or is read by programs."""
_MNEMONICS = str.maketrans("", "", "_&")
_ENGLISH = "en"


def message_pairs(messages: Mapping[str, Mapping[str, str]], seed: int = _SEED) -> list[Example]:
    """Pair English messages with translations; ``messages`` maps languages to both.

    Of each language some are drawn; of those, some meet another translation instead of the English.

    >>> rows = {"br": {f"Send mail number {n}": f"Kas postel {n}" for n in range(30)}}
    >>> pairs = message_pairs(rows, seed=1)
    >>> len(pairs), {each.passage_language for each in pairs} <= {"br", "en"}
    (30, True)
    """
    chance = random.Random(seed)
    translations: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for language, of_language in sorted(messages.items()):
        for english, text in sorted(of_language.items()):
            translations[english].append((language, text))
    found: list[Example] = []
    for language, of_language in sorted(messages.items()):
        if len(of_language) < _FEWEST:
            continue
        drawn = chance.sample(sorted(of_language), min(len(of_language), _PAIRS_A_LANGUAGE))
        for english in drawn:
            pair = [(language, of_language[english]), (_ENGLISH, english)]
            others = [each for each in translations[english] if each[0] != language]
            if others and chance.random() < _BETWEEN_TRANSLATIONS:
                pair[1] = chance.choice(others)
            (own, question), (other, positive) = chance.sample(pair, 2)
            found.append(
                Example(
                    question=question,
                    positive=positive,
                    question_language=own,
                    passage_language=other,
                    group=english.casefold(),
                    symmetric=chance.random() < _SYMMETRIC,
                )
            )
    return found


def _read(folder: Path) -> dict[str, dict[str, str]]:
    """Return each language's messages that are sentences, English to translation."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(folder.glob("*/LC_MESSAGES/*.mo")):
        language = normalise_language(path.parts[-3])
        if language in {_ENGLISH, UNDETERMINED}:
            continue
        for entry in polib.mofile(str(path)):
            english, text = (_plain(each) for each in (entry.msgid, entry.msgstr))
            if english and text and english != text and len(english.split()) in _WORDS:
                found[language].setdefault(english, text)
    if not found:
        raise InvalidInput(f"{folder} holds no catalogue LANGUAGE/LC_MESSAGES/*.mo with messages")
    return found


def _plain(message: str) -> str:
    """Return a message without mnemonics, or nothing if it is not just words.

    >>> _plain("_Save the file"), _plain("%d files")
    ('Save the file', '')
    """
    return "" if _MARKUP & set(message) else message.translate(_MNEMONICS).strip()


def main(arguments: Sequence[str]) -> None:
    """Write the examples that the catalogues of a folder give."""
    folder, target = (Path(each) for each in arguments)
    lines = [
        each.model_dump_json(exclude_defaults=True) + "\n" for each in message_pairs(_read(folder))
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
