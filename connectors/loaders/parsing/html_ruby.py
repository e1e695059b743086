"""Ruby in HTML: which word has which reading."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsing.readings import annotated

__all__ = ["Ruby"]


class Ruby:
    """Gathers one ``<ruby>``: its bases and their readings, in either order that HTML knows.

    >>> ruby = Ruby()
    >>> ruby.data("水"); ruby.start("rt"); ruby.data("みず"); _ = ruby.end("rt")
    >>> ruby.text() == annotated("水", "みず")
    True
    """

    def __init__(self) -> None:
        self._bases = [""]
        self._readings: list[str] = []
        self._more: list[str] = []
        self._into = self._bases
        self._inner = 0

    def start(self, tag: str) -> None:
        """Take an opening tag of those that ruby is made of."""
        if tag == "ruby":
            self._inner += 1
        elif tag == "rb":
            self._base()
        elif tag == "rtc":
            self._more.append("")
            self._into = self._more
        elif self._into is not self._more:
            self._readings.append("")
            self._into = self._readings

    def data(self, text: str) -> None:
        """Take text."""
        self._into[-1] += text

    def end(self, tag: str) -> bool:
        """Take a closing tag and tell whether it closes the whole."""
        if tag == "ruby":
            self._inner -= 1
            return self._inner < 0
        if tag == "rtc" or (tag == "rt" and self._into is self._readings):
            self._base()
        return False

    def _base(self) -> None:
        if self._bases[-1].strip():
            self._bases.append("")
        self._into = self._bases

    def text(self) -> str:
        """Return the bases, each with its reading; where they do not pair, all with all."""
        bases = [base for base in self._bases if base.strip()]
        readings = [" ".join(reading.split()) for reading in self._readings]
        more = " ".join(" ".join(self._more).split())
        if len(bases) == len(readings) and not more:
            return "".join(map(annotated, bases, readings))
        whole = "".join(self._bases)
        return annotated(whole, " ".join(filter(None, ["".join(readings), more])))
