"""What a knowledge base is asked: ``search``, ``rank``, ``ask``. ``KnowledgeBase`` has it all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rag_engine.answering.strictness import Strictness
from rag_engine.answering.translations import NO_TRANSLATIONS, Translations
from rag_engine.errors import InvalidInput, InvalidVectors
from rag_engine.filters import Filter
from rag_engine.opening import OpenedStore
from rag_engine.ports import Float32Array
from rag_engine.records import Answer, Hit
from rag_engine.search_arguments import (
    History,
    check_k,
    check_min_score,
    check_share,
    checked_formulations,
    checked_history,
    checked_language,
)

if TYPE_CHECKING:
    from rag_engine.answering.translating import Translator
    from rag_engine.retrieval.document_ranking import RankedDocument
    from rag_engine.retrieval.retriever import Embed
    from rag_engine.store.view import View

__all__ = ["FoundHits", "Questions"]


class FoundHits(NamedTuple):
    """Hits, and how many different things the passages say among which they were looked for.

    The latter is told to who asks several knowledge bases.
    """

    hits: list[Hit]
    different_passages: float


class Questions:
    """What can be asked of an open knowledge base."""

    def __init__(self, opened: OpenedStore) -> None:
        """Ask what was opened; use ``KnowledgeBase.open``."""
        from rag_engine.retrieval.retriever import Retriever

        self.settings = opened.settings
        self._opened = opened
        self._index = opened.index
        self._retriever = Retriever(opened.components, opened.settings, opened.pictures)
        self._translator = _translator(opened)

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
    ) -> list[Hit]:
        """Return the ``k`` passages that answer a question best, whatever their language.

        ``where`` filters by metadata and language; ``language`` states the question's language
        (BCP-47), which is otherwise detected. Hits with a score below ``min_score`` (0 to 1) are
        left out, all of them if the knowledge base holds no answer.

        ``also`` holds up to 8 other formulations of the same question: translations, rewritings,
        keywords. Each is searched as a question of its own language, which is detected, and what
        all of them tell of a passage counts. A reader's language is that of the question. In the
        modes ``bm25`` and ``rrf`` their rankings are fused by rank. With ``retrieval.translate``
        the generator adds translations, which ``parts.translations`` of each hit names; what goes
        wrong, ``parts.translation_failures`` tells. ``instruction`` tells a model that was trained
        with instructions what is looked for ("find a statute that applies").

        ``history`` holds what was said before, oldest first. The last exchange decides with the
        question, by what both find, whether it is a follow-up (``parts.follow_up``), and what is
        found in the documents that the exchange was about then counts more
        (``rag_engine.retrieval.conversation``). No language model is asked.

        Passages that say the same in several languages are one hit, the one in the question's
        language if there is one, with the others as its ``twins`` (``retrieval.group_twins``).

        Raises:
            InvalidInput: an empty question or formulation, more than 8 of these, ``k`` out of 1 to
                1,000, ``min_score`` out of 0 to 1; an ``instruction`` for a model that takes none;
                a ``history`` that is none, or of more than 1,000 messages.

        Example: ``hits = kb.search("Wie lange gilt die Garantie?", where=Equals("format", "pdf"))``
        """
        self._check_open()
        check_k(k)  # before a model is paid
        check_min_score(min_score)
        checked_history(history)
        return self.search_translated(
            question,
            self.translate(question, also=also, language=language),
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
        )

    def search_translated(
        self,
        question: str,
        translations: Translations,
        *,
        also: Sequence[str] = (),
        history: History = (),
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
        instruction: str | None = None,
    ) -> list[Hit]:
        """Return what ``search`` returns, with ``translations`` that ``translate`` gave before.

        For those whose searches do not wait for a language model. All else is as in ``search``.

        Raises:
            InvalidInput: as ``search`` does.

        Example::

            translations = kb.translate("Pampu inapaswa kusafishwa lini?")
            hits = kb.search_translated("Pampu inapaswa kusafishwa lini?", translations)
        """
        return self._searched(
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
    ) -> list[Hit]:
        """Do what ``search_translated`` does; without ``images`` for who reads texts alone."""
        found = self._found(
            question,
            translations,
            also=also,
            history=history,
            k=k,
            where=where,
            language=language,
            min_score=min_score,
            instruction=instruction,
            images=images,
        )
        return found.hits

    def _found(
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
        images: bool,
        embed: Embed | None = None,
    ) -> FoundHits:
        """Search as ``_searched`` does, for who asks several knowledge bases (``embed``)."""
        from rag_engine.retrieval.conversation import last_exchange

        self._check_open()
        formulations = checked_formulations(question, also)
        exchange = last_exchange(checked_history(history))
        check_k(k)
        check_min_score(min_score)
        code = checked_language(language)

        def work(view: View) -> FoundHits:
            hits = self._retriever.search(
                view,
                translations.beside(formulations),
                k=k,
                where=where,
                language=code,
                min_score=min_score,
                instruction=instruction,
                exchange=exchange,
                images=images,
                embed=embed,
            )
            size = 0.0 if embed is None else self._retriever.different_passages(view, where)
            return FoundHits(hits, size)

        found = self._index.read(work)
        if self._translator is None:
            return found
        return found._replace(hits=[_translated(hit, translations) for hit in found.hits])

    def translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> Translations:
        """Return a question in the languages of ``retrieval.translate``, as ``search`` makes it.

        The generator is asked, and waited for; its ``texts`` are to be searched beside the
        question, its ``failures`` tell what there is no translation into, and why. Where the
        settings name no language, or the question and ``also`` are in all of them, there are none.

        Raises:
            InvalidInput: a question, formulation or language that is none.

        Example: ``print(kb.translate("Pampu inapaswa kusafishwa lini?").texts)``
        """
        self._check_open()
        formulations = checked_formulations(question, also)
        code = checked_language(language)
        if self._translator is None:
            return NO_TRANSLATIONS
        return self._translator.translate(formulations, code)

    def languages_to_translate(
        self, question: str, *, also: Sequence[str] = (), language: str | None = None
    ) -> list[str]:
        """Return the languages (BCP-47) that ``translate`` would have a model write; it asks none.

        Raises:
            InvalidInput: a question, formulation or language that is none.

        Example: ``assert kb.languages_to_translate("Who is liable?", language="en") == []``
        """
        self._check_open()
        formulations = checked_formulations(question, also)
        code = checked_language(language)
        if self._translator is None:
            return []
        return self._translator.languages_of_none(formulations, code)

    def search_by_vector(
        self,
        vector: npt.ArrayLike,
        *,
        k: int = 10,
        where: Filter | None = None,
        language: str | None = None,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """Return the ``k`` passages that are nearest to a question's vector, ``(dimension,)``.

        For those who have a vector of the knowledge base's own embedder, as ``embed_queries`` gives
        it, and no text: with the text, ``search`` finds more, as its words and tokens count too.
        Passages are ordered by their cosines, after centring, in every mode; scores are the
        probabilities that these tell of. ``language`` is that of the question, else unknown.

        Raises:
            InvalidInput: ``k`` out of 1 to 1,000, ``min_score`` out of 0 to 1.
            InvalidVectors: another width, NaN, infinity or zeros.

        Example: ``hits = kb.search_by_vector(embedder.embed_queries(["Wer haftet?"])[0], k=3)``
        """
        self._check_open()
        check_k(k)
        check_min_score(min_score)
        language = checked_language(language)
        try:
            numbers = np.asarray(vector, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidVectors(f"a question's vector is a list of numbers: {error}") from error
        return self._index.read(
            lambda view: self._retriever.search_by_vector(
                view, numbers, k=k, where=where, language=language, min_score=min_score
            )
        )

    def diverse(self, hits: Sequence[Hit], *, k: int, relevance: float = 0.5) -> list[Hit]:
        """Return ``k`` of some hits that are relevant and say different things (MMR).

        ``hits`` come from a search of this knowledge base, more of them than ``k``, best first.
        Each time the one is taken that is best by ``relevance`` (0 to 1) times its own relevance,
        less the rest times its likeness to the nearest one taken before: 1 keeps the order of the
        search. Relevance is the log odds of a score, from the last hit's (0) to the first's (1);
        likeness is that of meaning, whatever the languages.

        Raises:
            InvalidInput: ``k`` out of 1 to 1,000, ``relevance`` out of 0 to 1.

        Example: ``hits = kb.diverse(kb.search("Was ist zu warten?", k=20), k=4)``
        """
        from rag_engine.retrieval.diversity import diverse_hits

        self._check_open()
        check_k(k)
        check_share("relevance", relevance)
        return diverse_hits(
            self._index.snapshot(),
            hits,
            k=k,
            weight=relevance,
            probable=self.settings.retrieval.mode not in {"bm25", "rrf"},
        )

    def similarity(
        self,
        texts: Sequence[str],
        others: Sequence[str],
        *,
        matrix: bool = False,
        language: str | None = None,
        other_language: str | None = None,
        raw: bool = False,
    ) -> Float32Array:
        """Return how probably texts say the same, 0 to 1: ``(n,)`` float32, one with one.

        Told by the knowledge base's model, whatever the knowledge base holds: the same as by
        ``rag_engine.tasks.similarity``, which says what the arguments are and what is refused.

        Example: ``[same] = kb.similarity(["Wer haftet?"], ["Who is liable?"])``
        """
        from rag_engine.tasks.similarity import similarity

        self._check_open()
        parts = self._opened.components
        return similarity(
            texts,
            others,
            matrix=matrix,
            embedder=parts.embedder,
            detector=None if raw else parts.detector,
            language=language,
            other_language=other_language,
            raw=raw,
        )

    def rank(
        self,
        questions: Sequence[str],
        *,
        also: Sequence[Sequence[str]] | None = None,
        depth: int = 100,
        without: Sequence[Collection[str]] | None = None,
    ) -> Iterator[list[RankedDocument]]:
        """Return for each question its best ``depth`` documents, without their texts.

        A document stands where its best passage stands; twins are not grouped. This is what an
        evaluation needs: it is quicker than ``search`` for many questions, which are embedded in
        large batches. ``also`` holds for each question its other formulations, as in ``search``;
        ``without`` names for each documents that are treated as if they were not there.

        Raises:
            InvalidInput: a formulation that is none, or not a list of them for each question.
            ServiceError: a remote model failed: nothing is measured without its part.

        Example: ``[ranked] = kb.rank(["Wer haftet?"]); print(ranked[0].document_id)``
        """
        from rag_engine.retrieval.document_ranking import rank_documents

        self._check_open()
        formulations = [[question] for question in questions]
        if also is not None:
            if len(also) != len(questions):
                raise InvalidInput(
                    f"also holds a list for each of the {len(questions)} questions, got {len(also)}"
                )
            formulations = list(map(checked_formulations, questions, also))
        if self._translator is not None:
            formulations = self._translator.with_translations(formulations)
        return self._index.read(
            lambda view: rank_documents(
                self._retriever, view, formulations, depth=depth, without=without
            )
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
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question from the knowledge base, with checked citations.

        The answer comes from the generator of the settings, which reads at most ``k`` hits with a
        score of ``min_score`` (``answering.hits`` and ``least_score`` where they are None). The
        ``strictness`` (that of the settings where it is None) says how probable it has to be that
        anything here answers (``answerable``): ``strict``, ``careful``, ``balanced``, or ``eager``
        for no bound; ``rag_engine.answering.strictness`` says how often each is wrong. Below it,
        where no hit is left, or the generator cites nothing, the answer is not ``supported``: it
        says that the knowledge base does not hold one, and its ``hits`` are the nearest passages.

        An answer is in the question's language, or in ``answer_language`` (BCP-47); one that is
        surely in another is asked for once more, and a warning says so if that does not help. A
        generator that ``quotes`` leaves quotations in the languages of their sources. ``also`` and
        ``instruction`` are as in ``search``: they help to find the passages; what is answered is
        the question.

        ``history`` holds what was said before, oldest first: messages of ``user`` and
        ``assistant``. It is used as in ``search``. A language model first writes the question so
        that it stands alone (``rewritten`` of the answer), which is what is answered, and where it
        is longer one more formulation to search with; what is no question is left out, and a
        warning says so.

        ``on_text`` receives a draft piece by piece as it is written, from when the language of its
        beginning is known to be right; what it received is not taken back, though the answer's
        check may remove marks and links, or withhold an answer without citations. An exception
        that it raises ends the writing.

        Raises:
            InvalidInput: an empty question, a language or history that is none; what ``search``
                refuses; a ``strictness`` that is none, or any in another mode than ``hybrid``.
            ServiceError: a remote model failed.

        Example: ``print(kb.ask("¿Cada cuánto se cambia el filtro?").text)``
        """
        from rag_engine.answering.asking import ask

        return ask(
            question,
            self._searched,
            self.translate,
            self._opened,
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

    @property
    def least_score(self) -> float:
        """The score from which on ``ask`` reads a hit; 0 in modes whose scores say little.

        Example: ``hits = kb.search("Was kostet die Pumpe?", min_score=kb.least_score)``
        """
        from rag_engine.answering.asking import least_score

        return least_score(self.settings)

    def _check_open(self) -> None:
        self._opened.check_open()


def _translator(opened: OpenedStore) -> Translator | None:
    """Return what translates questions, if the settings name languages."""
    retrieval, parts = opened.settings.retrieval, opened.components
    if not retrieval.translate:
        return None
    from rag_engine.answering.translating import Translator

    return Translator(
        parts.generator, parts.detector, retrieval.translate, retrieval.translate_timeout_s
    )


def _translated(hit: Hit, translations: Translations) -> Hit:
    """Return a hit that tells which translations it was searched with."""
    parts = replace(
        hit.parts,
        translations=translations.texts,
        translation_failures=translations.failures,
    )
    return replace(hit, parts=parts)
