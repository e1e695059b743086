r"""Formulas of RTF: groups that stand for the elements of Office's formulas (OMML).

Rich Text Format Specification, version 1.9.1, "Office Math": ``{\mf{\mnum ...}{\mden ...}}`` is
``<m:f><m:num>...</m:num><m:den>...</m:den></m:f>``.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from rag_engine.connectors.loaders.parsing.cleaning import clean
from rag_engine.connectors.loaders.parsing.formulas import OMML, omml_text

__all__ = ["Formula"]


class Formula:
    r"""Builds the tree of a formula from its groups.

    >>> half = Formula()
    >>> for name, text in (("f", ""), ("num", "1"), ("den", "2")):
    ...     half.open()
    ...     half.name(f"m{name}")
    ...     half.put(text)
    ...     if text:
    ...         half.close()
    >>> half.close()
    >>> half.text
    '1/2'
    """

    def __init__(self) -> None:
        self._root = etree.Element(f"{OMML}oMath")
        self._open: list[Any] = []
        """For each open group its element, or None of a group without one."""

    def open(self) -> None:
        """Open a group."""
        self._open.append(None)

    def name(self, word: str) -> None:
        """Take the first word of a group, which says what it stands for."""
        element = word.removeprefix("m")
        if self._open and self._open[-1] is None and element not in ("", word) and word.isalpha():
            self._open[-1] = etree.SubElement(self._holder(), f"{OMML}{element}")

    def put(self, text: str) -> None:
        """Take text: the value of a property, or what a run shows."""
        text = clean(text)  # XML holds no controls
        holder = self._holder()
        parent = holder.getparent()
        if parent is not None and str(parent.tag).endswith("Pr"):
            value = f"{OMML}val"
            holder.set(value, holder.get(value, "") + text.strip())
        elif text:
            etree.SubElement(holder, f"{OMML}t").text = text

    def close(self) -> None:
        """Close a group."""
        if self._open:
            self._open.pop()

    @property
    def text(self) -> str:
        """The formula as one line."""
        return omml_text(self._root)

    def _holder(self) -> Any:
        return next((each for each in reversed(self._open) if each is not None), self._root)
