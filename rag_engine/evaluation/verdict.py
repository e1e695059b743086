"""Is the engine ever below what any framework does by default? Set by set, language by language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag_engine.evaluation.bootstrap import RESAMPLES, Difference, paired_bootstrap
from rag_engine.evaluation.counted import counted

__all__ = ["LEAST_QUESTIONS", "Comparison", "by_language", "compare", "verdict_lines"]

LEAST_QUESTIONS = 100
"""A language with fewer questions is not judged alone: its intervals would say nothing."""


ByQuestion = Mapping[str, float]
"""A question's id and its value, one of nDCG@10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Our run against a baseline's over some questions of a set; ``language`` "": over all."""

    test_set: str
    language: str
    baseline: str
    questions: int
    ours: float
    theirs: float
    difference: Difference

    @property
    def place(self) -> str:
        """Where it is, for people."""
        language = f" {self.language}" if self.language else ""
        return f"{self.test_set}{language} ({counted(self.questions, 'question')})"

    @property
    def figures(self) -> str:
        """The two means, their difference and its interval, for people."""
        apart = self.difference
        return (
            f"{self.ours:.3f} against {self.theirs:.3f}, {apart.mean:+.4f} "
            f"[{apart.low:+.4f}, {apart.high:+.4f}]"
        )

    def as_dict(self) -> dict[str, str | int | float]:
        """Return it as plain data."""
        return {
            "set": self.test_set,
            "language": self.language,
            "baseline": self.baseline,
            "questions": self.questions,
            "ours": self.ours,
            "theirs": self.theirs,
            "difference": self.difference.mean,
            "low": self.difference.low,
            "high": self.difference.high,
            "standing": self.difference.standing,
        }


def by_language(languages: Mapping[str, str]) -> dict[str, list[str]]:
    """Gather questions, given with their languages, by language; those without one are left out.

    >>> by_language({"1": "de", "2": "", "3": "de", "4": "ar"})
    {'ar': ['4'], 'de': ['1', '3']}
    """
    gathered: dict[str, list[str]] = {}
    for question, language in languages.items():
        if language:
            gathered.setdefault(language, []).append(question)
    return dict(sorted(gathered.items()))


def compare(
    test_set: str,
    languages: Mapping[str, str],
    ours: ByQuestion,
    baselines: Mapping[str, ByQuestion],
) -> list[Comparison]:
    """Compare a run with the baselines over all questions, and over those of each language.

    ``languages`` says the language of each question that counts. A language with fewer than
    ``LEAST_QUESTIONS`` is not looked at, nor one that all questions are in.

    >>> [found] = compare("set", {"1": "de"}, {"1": 0.5}, {"dense": {"1": 1.0}})
    >>> found.place, found.figures, found.difference.standing
    ('set (1 question)', '0.500 against 1.000, -0.5000 [-0.5000, -0.5000]', 'below')
    """
    parts = {"": list(languages)} if languages else {}
    for language, questions in by_language(languages).items():
        if LEAST_QUESTIONS <= len(questions) < len(languages):
            parts[language] = questions
    return [
        _compared(test_set, language, questions, name, ours, theirs)
        for language, questions in parts.items()
        for name, theirs in baselines.items()
    ]


def _compared(
    test_set: str,
    language: str,
    questions: Sequence[str],
    baseline: str,
    ours: ByQuestion,
    theirs: ByQuestion,
) -> Comparison:
    our_values = [ours[question] for question in questions]
    their_values = [theirs[question] for question in questions]
    return Comparison(
        test_set=test_set,
        language=language,
        baseline=baseline,
        questions=len(questions),
        ours=sum(our_values) / len(questions),
        theirs=sum(their_values) / len(questions),
        difference=paired_bootstrap(our_values, their_values),
    )


def verdict_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield where ours is not told apart from a baseline, where it is below, and the verdict.

    The last line is the verdict.

    >>> found = compare("set", {"1": "de"}, {"1": 0.75}, {"dense": {"1": 0.5}})
    >>> [line] = verdict_lines(found)
    >>> line.partition(":")[0]
    'never below dense by more than noise'
    """
    for standing, words in (("not told apart", "not told apart from"), ("below", "below")):
        for each in comparisons:
            if each.difference.standing == standing:
                yield f"{words} {each.baseline}: {each.place}: {each.figures}"
    names = " or ".join(dict.fromkeys(each.baseline for each in comparisons))
    counts = Counter(each.difference.standing for each in comparisons)
    if not comparisons:
        yield "no verdict: no question of these sets has an answer"
        return
    found = (
        f"{counted(len(comparisons), 'comparison')} of nDCG@10 ({counts['above']} above, "
        f"{counts['not told apart']} not told apart, {counts['below']} below; 95 % intervals of "
        f"{RESAMPLES:,} paired resamples)"
    )
    if counts["below"]:
        yield f"below {names} in {counts['below']} of {found}"
    else:
        yield f"never below {names} by more than noise: {found}"
