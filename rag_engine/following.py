"""A knowledge base that is open for reading is opened again when another takes its place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rag_engine.errors import RagEngineError
from rag_engine.knowledge_base import KnowledgeBase

__all__ = ["Following"]

_log = logging.getLogger(__name__)

_EVERY_S = 1.0
_PATIENCE_S = 30.0
"""So long the old one stays open for questions that are under way."""


class Following:
    """Looks once a second whether a knowledge base was replaced, and opens the new one beside.

    ``reopen`` opens what is there now, ``opened`` is given it; ``now`` is the one to be asked. The
    old one is closed half a minute later. What can not be opened is logged, and tried again.

    Example::

        with Following(kb, lambda: KnowledgeBase.open("kb", read_only=True)) as following:
            following.now.search("How often do I replace the seal?")
    """

    def __init__(
        self,
        kb: KnowledgeBase,
        reopen: Callable[[], KnowledgeBase],
        opened: Callable[[KnowledgeBase], object] = lambda _: None,
        *,
        every_s: float = _EVERY_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """Begin to look when it is entered (``with``)."""
        self.now = kb
        self._reopen, self._opened = reopen, opened
        self._every_s, self._patience_s = every_s, patience_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="following", daemon=True)
        self._told = ""

    def __enter__(self) -> Following:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no longer, and close what is open."""
        self._ended.set()
        self._thread.join()
        self.now.close(publish=False)

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._look()
            except RagEngineError as error:
                if str(error) != self._told:  # once, not every second
                    self._told = str(error)
                    _log.error("the knowledge base that is there now can not be opened: %s", error)

    def _look(self) -> None:
        if not self.now.was_replaced():
            return
        old, new = self.now, self._reopen()
        try:
            self._opened(new)
        except BaseException:  # the old one is still the one that is asked: it is tried again
            new.close(publish=False)
            raise
        self.now = new
        _log.warning("another knowledge base took the place of %s, and is open now", new.path)
        self._ended.wait(self._patience_s)
        old.close(publish=False)
