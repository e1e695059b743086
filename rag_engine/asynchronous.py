"""``asearch``, ``aask``, ``astream``: a knowledge base asked by tasks of an event loop.

For asyncio and trio alike. What is asked is done by ``search`` and ``ask`` in worker threads
(``workers``), so that there is one implementation, and the event loop goes on meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from rag_engine.answering.answer_stream import AnswerStream
from rag_engine.answering.strictness import Strictness
from rag_engine.answering.translations import NO_TRANSLATIONS, Translations
from rag_engine.cancellation import Cancellation, current_cancellation
from rag_engine.filters import Filter
from rag_engine.opening import OpenedStore
from rag_engine.questions import Questions
from rag_engine.records import Answer, Hit
from rag_engine.search_arguments import History, check_k, check_min_score, checked_history
from rag_engine.workers import Workers, WorkerThreads, in_worker

if TYPE_CHECKING:
    from rag_engine.answering.asking import AnsweringParts, Search
    from rag_engine.answering.drafting import OnText

__all__ = ["AsyncQuestions", "Awaited"]

Found = TypeVar("Found", bound=list[Hit])


class Awaited(ABC, Generic[Found]):
    """What is asked of one knowledge base, or of several as one, and awaited.

    A task that is cancelled stops waiting at once, and what was done for it stops: a search at its
    next step, a model at once (``rag_engine.cancellation``).
    """

    def __init__(self, workers: Workers | None) -> None:
        """Be asked by ``workers``, or by threads of its own."""
        self._workers = WorkerThreads() if workers is None else workers

    @abstractmethod
    def _check_open(self) -> None:
        """Refuse what is asked of what was closed."""

    @abstractmethod
    def translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> Translations:
        """Return a question in the languages that the settings name."""

    @abstractmethod
    def languages_to_translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> list[str]:
        """Return the languages that ``translate`` would have a model write."""

    @abstractmethod
    def _searched(
        self,
        question: str,
        translations: Translations,
        *,
        also: Sequence[str],
        history: History,
        k: int,
        where: Filter | None,
        language: str | None,
        min_score: float,
        instruction: str | None,
        images: bool = False,
    ) -> Found:
        """Search for a question that was translated; without ``images`` texts alone."""

    @property
    @abstractmethod
    def _answering(self) -> AnsweringParts:
        """What answers are written by."""

    def _answered(self, write: Callable[[Search], Answer], search: Search) -> Answer:
        """Let an answer be written that finds its passages by ``search``."""
        return write(search)

    async def asearch(
        self,
        question: str,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
    ) -> Found:
        """Return what ``search`` returns; other tasks go on meanwhile.

        Raises:
            InvalidInput: as ``search`` does.

        Example: ``hits = await kb.asearch("Wie lange gilt die Garantie?")``
        """
        self._check_open()
        check_k(k)
        check_min_score(min_score)
        checked_history(history)  # before a model is paid
        translations = NO_TRANSLATIONS
        if self.languages_to_translate(question, also=also, language=language):
            # Which waits for a model, and so takes no search's turn.
            translate = partial(self.translate, question, also=also, language=language)
            translations = await in_worker(self._workers.answer, translate)
        search = partial(
            self._searched,
            question,
            translations,
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
            images=True,
        )
        return await in_worker(self._workers.search, search)

    async def aask(
        self,
        question: str,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int | None = None,
        where: Filter | None = None,
        language: str | None = None,
        answer_language: str | None = None,
        min_score: float | None = None,
        strictness: Strictness | None = None,
        instruction: str | None = None,
    ) -> Answer:
        """Return what ``ask`` returns; other tasks go on meanwhile.

        Raises:
            InvalidInput, ServiceError: as ``ask`` does.

        Example: ``answer = await kb.aask("¿Cada cuánto se cambia el filtro?")``
        """
        self._check_open()
        write = partial(
            self._ask,
            question,
            self._find_in_turn,
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            answer_language=answer_language,
            min_score=min_score,
            strictness=strictness,
            instruction=instruction,
            on_text=None,
        )
        return await in_worker(self._workers.answer, write)

    def astream(
        self,
        question: str,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int | None = None,
        where: Filter | None = None,
        language: str | None = None,
        answer_language: str | None = None,
        min_score: float | None = None,
        strictness: Strictness | None = None,
        instruction: str | None = None,
    ) -> AnswerStream:
        """Return the pieces of an answer as they are written, those that ``ask`` gives ``on_text``.

        The stream's ``answer`` is the whole answer once the last piece was read. Whoever may leave
        off before that writes ``async with``: the model then stops at once.

        Example::

            async for piece in (stream := kb.astream("¿Cada cuánto se cambia el filtro?")):
                print(piece, end="")
            print(stream.answer.supported)
        """
        self._check_open()

        def write(on_text: OnText) -> Answer:
            return self._ask(
                question,
                self._find_in_turn,
                also=also,
                history=history,
                k=k,
                where=where,
                language=language,
                answer_language=answer_language,
                min_score=min_score,
                strictness=strictness,
                instruction=instruction,
                on_text=on_text,
            )

        return AnswerStream(self._workers.answer, write)

    def _ask(
        self,
        question: str,
        search: Search,
        *,
        also: Sequence[str],
        history: History,
        k: int | None,
        where: Filter | None,
        language: str | None,
        answer_language: str | None,
        min_score: float | None,
        strictness: Strictness | None,
        instruction: str | None,
        on_text: OnText | None,
    ) -> Answer:
        """Answer as ``ask`` does."""
        from rag_engine.answering.asking import ask

        def write(search: Search) -> Answer:
            return ask(
                question,
                search,
                self.translate,
                self._answering,
                also=also,
                history=history,
                k=k,
                where=where,
                language=language,
                answer_language=answer_language,
                min_score=min_score,
                strictness=strictness,
                instruction=instruction,
                on_text=on_text,
            )

        return self._answered(write, search)

    def _find_in_turn(
        self,
        question: str,
        translations: Translations,
        *,
        also: Sequence[str],
        history: History,
        k: int,
        where: Filter | None,
        language: str | None,
        min_score: float,
        instruction: str | None,
    ) -> Found:
        """Search as ``_searched`` does, when it is this one's turn among all searches."""
        cancellation = current_cancellation() or Cancellation()
        search = partial(
            self._searched,
            question,
            translations,
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
        )
        work = self._workers.search(cancellation.bound(search))
        cancellation.on_cancel(work.cancel)
        return work.result()


class AsyncQuestions(Questions, Awaited[list[Hit]]):
    """What can be asked of an open knowledge base, and awaited."""

    def __init__(self, opened: OpenedStore, workers: Workers | None) -> None:
        """Ask what was opened, by ``workers`` or threads of its own; use ``KnowledgeBase.open``."""
        Questions.__init__(self, opened)
        Awaited.__init__(self, workers)

    @property
    def _answering(self) -> OpenedStore:
        return self._opened
