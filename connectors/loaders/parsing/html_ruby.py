"""Ruby in HTML: the word, apart from the reading that stands in small type beside it."""

from __future__ import annotations

__all__ = ["Ruby"]


class Ruby:
    """Gathers the ``text`` of one ``<ruby>`` that is not a reading, and its ``readings``.

    Closing tags may be left out: a base ends a reading, and the other way round.

    >>> ruby = Ruby()
    >>> ruby.data("水"); ruby.start("rt"); ruby.data("みず"); ruby.end("rt")
    False
    >>> ruby.text, ruby.readings
    ('水', {'rt': 'みず'})
    """

    def __init__(self) -> None:
        self.text = ""
        self.readings: dict[str, str] = {}
        """Those beside the word, and those on its other side (``rtc``), each joined to one."""
        self._aside = ""  # the tag of the reading that is open
        self._inner = 0

    def start(self, tag: str) -> None:
        """Take an opening tag of those that ruby is made of."""
        if tag == "ruby":
            self._inner += 1
        elif tag == "rb":
            self._aside = ""
        elif self._aside != "rtc":
            self._aside = tag

    def data(self, text: str) -> None:
        """Take text."""
        if self._aside:
            self.readings[self._aside] = self.readings.get(self._aside, "") + text
        else:
            self.text += text

    def end(self, tag: str) -> bool:
        """Take a closing tag and tell whether it closes the whole."""
        if tag == "ruby":
            self._inner -= 1
            return self._inner < 0
        if tag == self._aside:
            self._aside = ""
        return False
