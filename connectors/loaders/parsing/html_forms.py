"""What the fields of a form show: what was typed, ticked or chosen."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Choice", "shown_value"]

_BOXES = {"checkbox": "☐☒", "radio": "○●"}
_UNSEEN = frozenset({"color", "file", "hidden", "password", "range"})


def shown_value(attributes: Mapping[str, str]) -> str:
    """Return what an ``<input>`` shows.

    >>> shown_value({"type": "checkbox", "checked": ""}), shown_value({"value": "Lima"})
    ('☒', 'Lima')
    >>> shown_value({"type": "hidden", "value": "token"})
    ''
    """
    kind = attributes.get("type", "text").strip().lower()
    if kind in _BOXES:
        return _BOXES[kind]["checked" in attributes]
    if kind == "image":
        return attributes.get("alt", "")
    return "" if kind in _UNSEEN else attributes.get("value", "")


class Choice:
    """Gathers what a ``<select>`` shows: what is chosen, else the first, or all of an open list.

    >>> choice = Choice({})
    >>> for name, chosen in (("one", {}), ("two", {"selected": ""})):
    ...     choice.option(chosen); choice.data(name)
    >>> choice.text
    'two'
    """

    def __init__(self, attributes: Mapping[str, str]) -> None:
        size = attributes.get("size", "1").strip()
        self._is_open = "multiple" in attributes or (size.isdecimal() and int(size) > 1)
        self._options: list[tuple[bool, list[str]]] = []

    def option(self, attributes: Mapping[str, str]) -> None:
        """Take the opening tag of an option."""
        label = attributes.get("label")
        self._options.append(("selected" in attributes, [label] if label else []))

    def data(self, text: str) -> None:
        """Take text."""
        if self._options:
            self._options[-1][1].append(text)

    @property
    def text(self) -> str:
        """What is shown; the options of an open list are parted by commas."""
        options = [(chosen, " ".join("".join(parts).split())) for chosen, parts in self._options]
        if self._is_open:
            return ", ".join(text for _, text in options if text)
        return next(
            (text for chosen, text in options[::-1] if chosen), options[0][1] if options else ""
        )
