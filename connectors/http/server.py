"""The server: how it ends.

The first SIGTERM or Ctrl-C begins the stop: whoever asks is told so (new requests 503, health too),
and what is under way goes on. It ends when nothing is under way any more, or when the grace period
is over: then only writes are waited for, which end at their next step and wait for no model's
server from two thirds of the grace period on. The second one ends the
process at once, as kill would: a knowledge base bears that, and whoever waits gets no answer.
"""

from __future__ import annotations

import signal
from types import FrameType

import uvicorn

from rag_engine.connectors.http.logs import logger
from rag_engine.connectors.http.service import Service

__all__ = ["LAST_S", "StoppingServer"]

LAST_S = 5
"""Seconds for the last answers to go out, once all work has ended."""


class StoppingServer(uvicorn.Server):
    """uvicorn's server, which listens until the work that is under way has ended."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the stop; the second time, end at once."""
        if self._service.stop.asked:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._service.stop.begin()

    async def on_tick(self, counter: int) -> bool:
        """Tell whether it is time to close; asked ten times a second."""
        if await super().on_tick(counter):
            return True
        service, stop = self._service, self._service.stop
        if not stop.asked:
            return False
        if stop.writes_end() and service.writing.under_way:
            service.writing.interrupt()
            if not self._told:
                self._told = True
                logger.info("writes end at their next step")
        if stop.grace_passed():
            stop.over.set()
        if stop.over.is_set():
            return not service.writing.under_way
        return not (self.server_state.tasks or any(pool.under_way for pool in service.pools))
