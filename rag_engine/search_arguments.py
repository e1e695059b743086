"""What a search may be asked with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag_engine.errors import InvalidInput
from rag_engine.records import UNDETERMINED, Message
from rag_engine.text.codes import normalise_language

__all__ = [
    "MAX_ALSO",
    "History",
    "check_k",
    "check_min_score",
    "check_question",
    "check_share",
    "checked_formulations",
    "checked_history",
    "checked_language",
]

_MAX_K = 1_000
_MAX_QUESTION = 10_000
MAX_ALSO = 8
"""Other formulations of a question that a search takes."""
_MAX_MESSAGES = 1_000
_MAX_CONTENT = 100_000
_ROLES = ("user", "assistant")

History = Sequence[Message | Mapping[str, str]]
"""What was said before a question, oldest first."""


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
    if len(also) > MAX_ALSO:
        raise InvalidInput(
            f"also holds at most {MAX_ALSO} formulations, got {len(also)}; pass those that differ "
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


def checked_history(history: History) -> tuple[Message, ...]:
    """Return what was said before a question, oldest first, without what is blank.

    A message may be a mapping of ``role`` and ``content``, as chat clients have them.

    Raises:
        InvalidInput: it is no list of at most 1,000 messages, each of at most 100,000 characters
            and said by ``user`` or ``assistant``.

    >>> checked_history([{"role": "user", "content": "Wer haftet?"}])
    (Message(role='user', content='Wer haftet?'),)
    """
    if not isinstance(history, list | tuple):
        raise InvalidInput(
            "history is a list of messages such as Message('user', 'Who is liable?'), got "
            f"{history!r:.80}"
        )
    if len(history) > _MAX_MESSAGES:
        raise InvalidInput(
            f"history holds at most {_MAX_MESSAGES} messages, got {len(history)}; pass the last "
            "ones, no others are read"
        )
    messages = [_message(number, message) for number, message in enumerate(history, start=1)]
    return tuple(message for message in messages if message.content.strip())


def _message(number: int, message: object) -> Message:
    said = f"message {number} of history"
    if isinstance(message, Mapping):
        if message.keys() != {"role", "content"}:
            raise InvalidInput(
                f"{said} has role and content, got {', '.join(map(repr, message)):.80}"
            )
        message = Message(message["role"], message["content"])
    if not isinstance(message, Message):
        raise InvalidInput(f"{said} is a Message, or a mapping of role and content, got "
                           f"{message!r:.80}")  # fmt: skip
    if message.role not in _ROLES:
        raise InvalidInput(
            f"{said}: role is one of {', '.join(map(repr, _ROLES))}, got {message.role!r:.80}; "
            "leave out what is said by others"
        )
    if not isinstance(message.content, str) or len(message.content) > _MAX_CONTENT:
        raise InvalidInput(
            f"{said}: content is a text of at most {_MAX_CONTENT:,} characters, got "
            f"{message.content!r:.80}"
        )
    try:
        message.content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{said} holds a lone surrogate; it is not Unicode") from error
    return message
