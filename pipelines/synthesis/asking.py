"""Asks a language model about several passages at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from rag_engine.cancellation import Cancellation
from rag_engine.connectors.training.synthesis.question_prompt import question_prompt
from rag_engine.connectors.training.synthesis.replies import clean_question, read_reply
from rag_engine.errors import ServiceError
from rag_engine.passages import Passage
from rag_engine.ports import Generator as LanguageModel

__all__ = ["Asked", "Request", "ask_in_order"]

_AHEAD = 2
"""Requests a worker that may wait for their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A passage, its text as it is shown, and the languages of the questions wanted."""

    passage: Passage
    text: str
    languages: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question: its text ("": none could be read), or why the model failed."""

    language: str
    question: str = ""
    error: ServiceError | None = None


def ask_in_order(
    requests: Iterable[Request], model: LanguageModel, *, at_once: int
) -> Generator[tuple[Request, list[Asked]]]:
    """Yield what came of each request, in their order, while ``at_once`` are being asked.

    When the caller stops, what is being written is broken off.
    """
    stopped = Cancellation()
    waiting: deque[tuple[Request, Future[list[Asked]]]] = deque()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="asking")
    try:
        for request in requests:
            ask = stopped.bound(partial(_ask, request, model, stopped))
            waiting.append((request, pool.submit(ask)))
            if len(waiting) >= _AHEAD * at_once:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        stopped.cancel()
        pool.shutdown(wait=True, cancel_futures=True)


def _ask(request: Request, model: LanguageModel, stopped: Cancellation) -> list[Asked]:
    """Ask for one question after the other, so that each can differ from those before."""
    done: list[Asked] = []
    for language in request.languages:
        earlier = [each.question for each in done if each.question]
        prompt = question_prompt(
            request.text,
            language,
            earlier=earlier,
            passage_language=request.passage.chunk.language,
        )
        try:
            reply = read_reply(model, prompt, stopped=lambda: stopped.cancelled)
            done.append(Asked(language, clean_question(reply, request.text)))
        except ServiceError as error:
            done.append(Asked(language, error=error))
        if stopped.cancelled:
            break
    return done
