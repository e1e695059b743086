"""``Federation``: several knowledge bases asked as one.

Each is searched, and the hits are put in one order by scores that mean the same for all of them
(``retrieval.federated`` says how). It is the cheap way to more passages than one holds: knowledge
bases on several disks, by year or by department, each written to by its own process. What one
knowledge base does better: its languages are calibrated by all passages, passages that say the same
in several languages are one hit, and a reranker compares all candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rag_engine.answering.strictness import Strictness
from rag_engine.answering.translations import Translations
from rag_engine.asynchronous import Awaited
from rag_engine.components import Components, default_components
from rag_engine.errors import InvalidInput, StoreError
from rag_engine.federated_search import FederatedHits, FederatedSearch
from rag_engine.filters import Filter
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import ServerAddress
from rag_engine.records import Answer, Hit, Problem
from rag_engine.search_arguments import History, check_k, check_min_score, checked_history
from rag_engine.settings import Settings
from rag_engine.workers import Workers

if TYPE_CHECKING:
    from rag_engine.answering.asking import AnsweringParts, Search
    from rag_engine.answering.drafting import OnText

__all__ = ["Federation"]

_MODES = ("hybrid", "dense")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What answers are written by."""

    components: Components
    settings: Settings


class Federation(Awaited[FederatedHits]):
    """Several open knowledge bases, asked as one; safe to share between threads.

    It is asked what a ``KnowledgeBase`` is asked: ``search``, ``ask``, ``asearch``, ``aask``,
    ``astream``. The first one's generator writes the answers, with its ``answering`` settings and
    its translations. Questions are embedded once for all that have the same model. One that fails
    fails the search; with ``partial`` it is left out, and told (``FederatedHits.left_out``, an
    answer's warnings).

    Raises:
        InvalidInput: none, one of them twice, or their modes of retrieval are not all ``hybrid``
            or all ``dense``: other scores can not be compared.

    Example::

        with Federation.open(["manuals", "tickets"]) as bases:
            for hit in bases.search("How often do I replace the seal?"):
                print(hit.knowledge_base, hit.score, hit.chunk.text)
    """

    def __init__(
        self,
        knowledge_bases: Sequence[KnowledgeBase],
        *,
        partial: bool = False,
        workers: Workers | None = None,
    ) -> None:
        """Ask open knowledge bases, which stay their caller's to close."""
        super().__init__(workers)
        self.knowledge_bases = tuple(knowledge_bases)
        _check_bases(self.knowledge_bases)
        first = self.knowledge_bases[0]
        self.settings = first.settings
        self._parts = _Parts(first._opened.components, first.settings)
        self._all = FederatedSearch(self.knowledge_bases, partial=partial)
        self._owned = ExitStack()

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path | ServerAddress],
        *,
        partial: bool = False,
        components: Callable[[Settings], Components] | None = None,
        workers: Workers | None = None,
    ) -> Federation:
        """Open knowledge bases for reading; ``close`` closes them.

        Those whose settings name the same embedder share one. With ``partial`` those that can not
        be opened are left out, but for the first, which writes the answers.

        Raises:
            StoreError, ContractMismatch, MissingExtra: as ``KnowledgeBase.open``.
            InvalidInput: as the constructor.
        """
        if isinstance(paths, str | Path):
            raise InvalidInput(f"open takes several paths: pass a list, [{str(paths)!r}]")
        build = _sharing() if components is None else components
        opened: list[KnowledgeBase] = []
        failed: list[Problem] = []
        with ExitStack() as owned:
            for path in paths:
                try:
                    base = KnowledgeBase.open(path, components=build, read_only=True)
                except StoreError as error:
                    if not partial or not opened:
                        raise
                    failed.append(Problem(source=str(path), reason=str(error)))
                    continue
                opened.append(owned.enter_context(base))
            federation = cls(opened, partial=partial, workers=workers)
            federation._all.not_opened = tuple(failed)
            federation._owned = owned.pop_all()
            return federation

    def close(self) -> None:
        """Close the knowledge bases that ``open`` opened; those that were given stay open."""
        self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def search(
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
    ) -> FederatedHits:
        """Return the ``k`` passages of all that answer a question best: ``KnowledgeBase.search``.

        ``knowledge_base`` of each hit is the folder that it is from. A text that several hold is
        shown once. Whether a question goes on with the ``history`` each decides for itself.

        Raises:
            InvalidInput: as ``KnowledgeBase.search``.
            StoreError: one of the knowledge bases can not be searched; it is named.
            ServiceError: a remote model failed.
        """
        check_k(k)  # before a model is paid
        check_min_score(min_score)
        checked_history(history)
        return self._all.search(
            question,
            self.translate(question, also=also, language=language),
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
            images=True,
        )

    def ask(
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
        on_text: OnText | None = None,
    ) -> Answer:
        """Answer a question from all knowledge bases: ``KnowledgeBase.ask``.

        ``knowledge_base`` of each citation is the folder that it is from.

        Raises:
            InvalidInput, ServiceError: as ``KnowledgeBase.ask``.
            StoreError: as ``search``.
        """
        return self._ask(
            question,
            self._searched,
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

    def translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> Translations:
        """Translate a question as the first does that can be asked: ``KnowledgeBase.translate``."""
        return self._all.translate(question, also=also, language=language)

    def languages_to_translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> list[str]:
        """Return the languages that ``translate`` would have a model write; it asks none."""
        return self._all.languages_to_translate(question, also=also, language=language)

    def _check_open(self) -> None:
        """Leave it to each knowledge base: one that was closed is one that fails."""

    def _searched(
        self, question: str, translations: Translations, *, images: bool = False, **asked: Any
    ) -> FederatedHits:
        return self._all.search(question, translations, images=images, **asked)

    @property
    def _answering(self) -> AnsweringParts:
        return self._parts

    def _answered(self, write: Callable[[Search], Answer], search: Search) -> Answer:
        """Let an answer be written, with warnings that tell what was left out."""
        left_out: dict[str, str] = {}

        def noting(question: str, translations: Translations, **asked: Any) -> list[Hit]:
            hits = search(question, translations, **asked)
            if isinstance(hits, FederatedHits):
                left_out.update({each.source: each.reason for each in hits.left_out})
            return hits

        answer = write(noting)
        warnings = [f"{source} was left out: {reason}" for source, reason in left_out.items()]
        return replace(answer, warnings=(*answer.warnings, *warnings))

    def thumbnail(self, image: str) -> bytes | None:
        """Return the thumbnail of a hit's ``image``: ``KnowledgeBase.thumbnail``."""
        shown = (base.thumbnail(image) for base in self.knowledge_bases)
        return next((jpeg for jpeg in shown if jpeg is not None), None)

    @property
    def least_score(self) -> float:
        """The score from which on ``ask`` reads a hit: ``KnowledgeBase.least_score``."""
        return self.knowledge_bases[0].least_score


def _check_bases(bases: Sequence[KnowledgeBase]) -> None:
    if not bases:
        raise InvalidInput("a federation has one knowledge base or more, got none")
    if others := [base for base in bases if not isinstance(base, KnowledgeBase)]:
        raise InvalidInput(
            f"a federation has open knowledge bases, got {type(others[0]).__name__} "
            f"{others[0]!r:.80}; Federation.open takes paths"
        )
    paths = [base.path.resolve() for base in bases]
    if twice := [base.location for base in bases if paths.count(base.path.resolve()) > 1]:
        raise InvalidInput(f"{twice[0]} is there twice; name each knowledge base once")
    modes = {base.settings.retrieval.mode for base in bases}
    if len(modes) > 1 or not modes <= set(_MODES):
        raise InvalidInput(
            f"retrieval.mode is {' and '.join(map(repr, sorted(modes)))}; hits of several "
            "knowledge bases can be compared where it is 'hybrid' in all of them, or 'dense'"
        )


def _sharing() -> Callable[[Settings], Components]:
    """Return what builds components, one embedder for all settings that name the same."""
    known: dict[str, Components] = {}

    def build(settings: Settings) -> Components:
        name = settings.embedder.model_dump_json()
        shared = known.get(name)
        built = default_components(
            settings,
            embedder=None if shared is None else shared.embedder,
            detector=None if shared is None else shared.detector,
        )
        return known.setdefault(name, built) if shared is None else built

    return build
