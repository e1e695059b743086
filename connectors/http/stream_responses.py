"""Streams as answers: begun once the first event is there, so that a status can still say no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi import Request
from fastapi.responses import StreamingResponse

from rag_engine.connectors.http.admission import admit, outcome
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.service import Service
from rag_engine.connectors.http.stopping import ServiceStopping
from rag_engine.connectors.http.streams import EventStream

__all__ = ["stream_response"]


async def stream_response(
    service: Service,
    request: Request,
    tenant: str,
    stream: EventStream,
    write: Callable[[], None],
    *,
    failed: Callable[[Exception], bytes],
    last: bytes = b"",
) -> StreamingResponse:
    """Answer with what ``write``, an answer's work, puts into a stream.

    ``failed`` makes bytes of an error in the middle; ``last`` ends the stream.

    Raises:
        Exception: the work failed before its first event; and what ``answered`` raises.
    """
    work = admit(service, tenant, Kind.ASK, write)
    stream.follow(work)
    try:
        first = await outcome(asyncio.ensure_future(stream.next()), work, request, service)
    except StopAsyncIteration:
        first = None
    except BaseException:
        stream.leave()
        raise
    pause_s = service.limits.keep_alive_s

    async def body() -> AsyncIterator[bytes]:
        over = asyncio.create_task(_break_off(stream, service))
        try:
            if first is not None:
                yield first
                while True:
                    event = await stream.next(pause_s)
                    yield b": still here\n\n" if event is None else event
        except StopAsyncIteration:
            pass
        except Exception as error:
            yield failed(error)
        finally:
            over.cancel()
            stream.leave()
        yield last

    return StreamingResponse(
        body(),
        media_type="text/event-stream; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )


async def _break_off(stream: EventStream, service: Service) -> None:
    await service.stop.over.wait()
    stream.break_off(ServiceStopping())
