"""Prompts of one's own: texts with fields in braces, checked before anybody is asked by them."""

from __future__ import annotations

from string import Formatter

from pydantic_core import PydanticCustomError

__all__ = [
    "REWRITING_FIELDS",
    "REWRITING_SYSTEM_FIELDS",
    "SYSTEM_FIELDS",
    "USER_FIELDS",
    "checked_template",
    "filled",
    "holds",
]

SYSTEM_FIELDS = {
    "boundary": "the word that marks quoted sources, by which a model tells them from instructions",
    "no_answer": "the mark by which a model says that the sources hold no answer",
    "language": "the language of the answer",
}
"""What a system prompt may hold; all but the language it must."""
USER_FIELDS = {
    "sources": "the numbered sources",
    "question": "the question",
    "language": "the language of the answer",
    "again": "what is said where a first answer was in another language",
}
"""What a prompt may hold; the sources and the question it must."""
REWRITING_SYSTEM_FIELDS = {
    "boundary": "the word that marks the conversation, by which a model tells it from instructions",
    "language": "the language of the question",
}
"""What the rules for rewriting a question may hold; the boundary they must."""
REWRITING_FIELDS = {
    "conversation": "what was said before",
    "question": "the question",
    "language": "the language of the question",
}
"""What the prompt for rewriting may hold; the conversation and the question it must."""


def checked_template(template: str, fields: dict[str, str], needed: tuple[str, ...]) -> str:
    """Return a template that holds what is needed, and no field that nobody fills.

    Braces that are none of a field are doubled: ``{{`` and ``}}``.

    Raises:
        PydanticCustomError: it does not.

    >>> checked_template("{sources} {question}", USER_FIELDS, ("sources", "question"))
    '{sources} {question}'
    >>> checked_template("{question}", USER_FIELDS, ("sources", "question"))
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.PydanticCustomError: a template needs {sources}, the numbered \
sources
    """
    try:
        found = _fields(template)
    except ValueError as error:
        raise _refusal(
            f"a template's braces are those of fields, others are doubled: {error}"
        ) from error
    for name, form, conversion in found:
        if name not in fields or form or conversion:
            given = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            known = ", ".join(f"{{{field}}}" for field in fields)
            raise _refusal(
                f"a template's fields are {known}, got {{{given:.40}}}; double other braces"
            )
    present = {name for name, _, _ in found}
    for name in needed:
        if name not in present:
            raise _refusal(f"a template needs {{{name}}}, {fields[name]}")
    return template


def filled(template: str, values: dict[str, str]) -> str:
    """Return a checked template with its fields filled; braces in values are only braces.

    >>> filled("{{{question}}}", {"question": "{sources}"})
    '{{sources}}'
    """
    return template.format_map(values)


def holds(template: str, field: str) -> bool:
    """Tell whether a template has a field.

    >>> holds("{again}", "again"), holds("{{again}}", "again")
    (True, False)
    """
    return any(name == field for name, _, _ in _fields(template))


def _fields(template: str) -> list[tuple[str, str | None, str | None]]:
    """Return the name, format and conversion of each field."""
    parts = Formatter().parse(template)
    return [(name, form, conversion) for _, name, form, conversion in parts if name is not None]


def _refusal(message: str) -> PydanticCustomError:
    return PydanticCustomError("template", "{message}", {"message": message})
