"""From a question and its hits to an answer with checked citations, in the right language."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rag_engine.answering.answer_language import WantedLanguage
from rag_engine.answering.answer_prompt import OWN, Templates, build_prompt
from rag_engine.answering.citations import CheckedAnswer, check_answer, citation, without_marks
from rag_engine.answering.context import Context, CountTokens, build_context
from rag_engine.answering.drafting import Draft, OnText, write_draft
from rag_engine.answering.refusals import refusal
from rag_engine.errors import ServiceError
from rag_engine.ports import Generator, LanguageDetector
from rag_engine.records import UNDETERMINED, Answer, Citation, Hit

__all__ = ["answer_question"]

_log = logging.getLogger(__name__)


def answer_question(
    question: str,
    hits: Sequence[Hit],
    *,
    wanted: WantedLanguage,
    generator: Generator,
    detector: LanguageDetector,
    count_tokens: CountTokens,
    max_tokens: int,
    on_text: OnText | None = None,
    templates: Templates = OWN,
) -> Answer:
    """Let a generator answer from the hits; check what it cites and the language it writes in.

    An answer that is surely in another language than ``wanted`` is asked for once more, more
    firmly, and if that does not help, the result warns. With ``on_text`` this happens only while
    nothing was handed out: the beginning of an answer is held back until its language can be told
    (some ten words), the rest is handed out as it is written, and what was handed out is never
    taken back. It is a draft: citations and links are checked at its end.

    An answer that cites no source, or that begins with the mark for none, is not supported: its
    text is the sentence that says so, in the wanted language. ``max_tokens`` bounds what the
    generator is given to read; ``templates`` are how it is asked.

    Raises:
        ServiceError: a remote model failed.
    """
    context = build_context(hits, max_tokens=max_tokens, count_tokens=count_tokens)
    if context.sources:
        written = _write(question, context, wanted, generator, on_text, templates)
    else:
        written = _Written(Draft("", handed_out=False, other=None), check_answer("", ()))
    answer = _answer(written, hits, context, wanted, generator, detector)
    if on_text is not None and not written.draft.handed_out:
        on_text(answer.text)
    return answer


@dataclass(frozen=True, slots=True)
class _Written:
    """A draft and its check, with what is to be said about how it came about."""

    draft: Draft
    checked: CheckedAnswer
    warnings: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        return not self.checked.declined and bool(self.checked.numbers)


def _write(
    question: str,
    context: Context,
    wanted: WantedLanguage,
    generator: Generator,
    on_text: OnText | None,
    templates: Templates,
) -> _Written:
    """Write a draft, and a second one where the first is in a wrong language."""

    def attempt(instead_of: str | None) -> _Written:
        prompt = build_prompt(
            question, context, language=wanted.tag, instead_of=instead_of, templates=templates
        )
        draft = write_draft(
            generator, prompt, wanted=wanted, on_text=on_text, first=instead_of is None
        )
        return _Written(draft, check_answer(draft.text, context.sources))

    first = attempt(None)
    other = first.draft.other
    if other is None or first.checked.declined:
        return first
    if first.draft.handed_out:
        return _warned(first, f"{_mismatch(other, wanted)}; too late to ask again")
    _log.info("%s; asking again", _mismatch(other, wanted))
    try:
        second = attempt(other)
    except ServiceError as error:
        if not first.draft.whole:
            raise
        return _warned(first, f"{_mismatch(other, wanted)}, and asking again failed: {error}")
    again = second.draft.other
    if on_text is None and first.supported and (again is not None or not second.supported):
        return _warned(first, f"{_mismatch(other, wanted)}; asking again did not help")
    if again is not None and not second.checked.declined:
        return _warned(second, f"{_mismatch(again, wanted)}, though it was asked for twice")
    return second


def _answer(
    written: _Written,
    hits: Sequence[Hit],
    context: Context,
    wanted: WantedLanguage,
    generator: Generator,
    detector: LanguageDetector,
) -> Answer:
    checked = written.checked
    warnings = list(checked.warnings)
    if not written.supported:
        refused = refusal(wanted.tag)
        if written.draft.text.strip() and not checked.declined:
            warnings.append("what was written is not shown: no source bears it out")
        return Answer(
            text=refused.text,
            language=refused.language,
            citations=(),
            hits=tuple(hits),
            generator=generator.name,
            supported=False,
            warnings=tuple(warnings),
            draft=written.draft.text,
        )
    sources = {source.number: source for source in context.sources}
    citations = tuple(citation(sources[number]) for number in checked.numbers)
    detected = detector.detect(without_marks(checked.text)).language
    if generator.quotes and wanted.stated:
        warnings += _untranslated(citations, wanted)
    return Answer(
        text=checked.text,
        language=wanted.code if detected == UNDETERMINED else detected,
        citations=citations,
        hits=tuple(hits),
        generator=generator.name,
        supported=True,
        warnings=(*warnings, *written.warnings),
        draft=written.draft.text,
    )


def _untranslated(citations: Sequence[Citation], wanted: WantedLanguage) -> list[str]:
    """Warn whoever asks for a language of a generator that only quotes."""
    foreign = {quotation.language for quotation in citations} - wanted.accepted - {UNDETERMINED}
    if not foreign:
        return []
    return [
        f"quoted in {', '.join(sorted(foreign))}, not in {wanted.tag!r}: quotations are not "
        "translated; a language model as generator writes in the language asked for"
    ]


def _warned(written: _Written, warning: str) -> _Written:
    return _Written(written.draft, written.checked, (*written.warnings, warning))


def _mismatch(other: str, wanted: WantedLanguage) -> str:
    return f"the answer is in {other!r}, not in {wanted.tag!r}"
