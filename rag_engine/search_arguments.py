"""What a search may be asked with."""

from __future__ import annotations

from collections.abc import Sequence

from rag_engine.errors import InvalidInput
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language

__all__ = [
    "check_k",
    "check_min_score",
    "check_question",
    "check_share",
    "checked_formulations",
    "checked_language",
]

_MAX_K = 1_000
_MAX_QUESTION = 10_000
_MAX_ALSO = 8


def check_k(k: object) -> None:
    """Refuse a number of hits that is none, or not between 1 and 1,000.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(k, int) or not 1 <= k <= _MAX_K:
        raise InvalidInput(f"k is a whole number, 1 to {_MAX_K}, got {k!r}")


def check_min_score(min_score: object) -> None:
    """Refuse a least score that is no number from 0 to 1.

    Raises:
        InvalidInput: it is none.
    """
    check_share("min_score", min_score)


def check_share(name: str, share: object) -> None:
    """Refuse an argument called ``name`` that is no number from 0 to 1.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InvalidInput(f"{name} is a number, 0 to 1, got {share!r}")


def checked_language(language: object) -> str | None:
    """Return a stated language as the engine writes it (``DE-at`` is ``de``); None stays None.

    Raises:
        InvalidInput: it is no language code.
    """
    if language is None:
        return None
    code = normalise_language(language) if isinstance(language, str) else UNDETERMINED
    if code == UNDETERMINED:
        raise InvalidInput(f"language is a BCP-47 code such as 'de' or 'zh', got {language!r:.80}")
    return code


def check_question(question: object) -> None:
    """Refuse what is no question: blank, endless, or not Unicode.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(question, str) or not question.strip():
        raise InvalidInput(f"a question is a text that is not empty, got {question!r:.80}")
    if len(question) > _MAX_QUESTION:
        raise InvalidInput(
            f"a question has at most {_MAX_QUESTION} characters, got {len(question)}"
        )
    try:
        question.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput("the question holds a lone surrogate; it is not Unicode") from error


def checked_formulations(question: str, also: Sequence[str]) -> list[str]:
    """Return a question and its other formulations, each once, the question first.

    Raises:
        InvalidInput: the question is none; or ``also`` is no list of at most 8 that are some.

    >>> checked_formulations("Wer haftet?", ["Who is liable?", "Wer haftet? "])
    ['Wer haftet?', 'Who is liable?']
    """
    check_question(question)
    if not isinstance(also, list | tuple):
        raise InvalidInput(
            f"also is a list of other formulations of the question, got {also!r:.80}; of one pass "
            "a list with one text"
        )
    if len(also) > _MAX_ALSO:
        raise InvalidInput(
            f"also holds at most {_MAX_ALSO} formulations, got {len(also)}; pass those that differ "
            "the most from the question: translations first"
        )
    for number, formulation in enumerate(also, start=1):
        try:
            check_question(formulation)
        except InvalidInput as error:
            raise InvalidInput(f"formulation {number} of also: {error}") from error
    texts: dict[str, str] = {}
    for text in (question, *also):
        texts.setdefault(text.strip(), text)
    return list(texts.values())
