"""Parts of one's own, named in the settings: ``module:Class``, or an installed entry point.

Which group of entry points holds the parts of a stage::

    embedder    rag_engine.embedders
    reranker    rag_engine.rerankers
    generator   rag_engine.generators
    loaders     rag_engine.loaders
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field, JsonValue
from pydantic_core import PydanticCustomError

from rag_engine.settings.base import UNUSED, Kind, Sourced

__all__ = ["GROUPS", "PLUGIN", "Plugin", "installed_plugins", "is_importable"]

GROUPS = {
    "embedder": "rag_engine.embedders",
    "reranker": "rag_engine.rerankers",
    "generator": "rag_engine.generators",
    "loaders": "rag_engine.loaders",
}
"""The group of entry points of each stage that plug-ins are for."""

PLUGIN = "module:Class"
"""What a plug-in's kind looks like."""
_IMPORTABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class Plugin(Sourced):
    """A class of one's own; see ``rag_engine.connectors.plugins``.

    No module is imported where only a knowledge base names it.
    """

    kind: str
    """``module:Class`` of a module that can be imported, or the name of an installed entry point
    (groups ``rag_engine.embedders``, ``.rerankers``, ``.generators``, ``.loaders``)."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments for the class. They are kept with the knowledge base: no place for keys."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return what stands for the names of plug-ins."""
        return (PLUGIN,)

    @classmethod
    def check_choice(cls, data: dict[str, Any]) -> None:
        """Refuse a name that names no kind."""
        kinds: list[type[Kind]] = cls.kinds() if issubclass(cls, Kind) else []
        known = [name for kind in kinds for name in kind.names() if name != PLUGIN]
        _check_name(cls.stage, data.get("kind"), known)


def is_importable(name: str) -> bool:
    """Tell whether a name is that of an object in a module.

    >>> is_importable("my_package.stores:make"), is_importable("my_package.stores")
    (True, False)
    """
    return _IMPORTABLE.fullmatch(name) is not None


def installed_plugins(stage: str) -> tuple[str, ...]:
    """Return the names of the entry points that are installed for a stage."""
    return tuple(sorted({point.name for point in entry_points(group=GROUPS[stage])}))


def _check_name(stage: str, kind: object, known: list[str]) -> None:
    """Refuse what names no kind: neither one of ``known`` nor a plug-in."""
    if isinstance(kind, str) and (is_importable(kind) or kind in installed_plugins(stage)):
        return
    installed = ", ".join(map(repr, installed_plugins(stage))) or "none are"
    there = "".join(f"{name!r}, " for name in known)
    message = (
        f"{stage}: kind = {kind!r:.80} is none of {there}the entry points that are installed for "
        f"{GROUPS[stage]} ({installed}), or {PLUGIN!r} of your own"
    )
    raise PydanticCustomError(UNUSED, "{message}", {"message": message})
