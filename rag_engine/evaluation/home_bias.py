"""Does a retriever prefer the question's language, beyond what the right answers ask for?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rag_engine.evaluation.bootstrap import Difference, paired_bootstrap
from rag_engine.evaluation.datasets import TestSet
from rag_engine.evaluation.metrics import Run

__all__ = ["HomeBias", "home_bias"]

_WORDS = {
    "above": "it favours the question's language",
    "not told apart": "it does not favour the question's language by more than noise",
    "below": "it does not favour the question's language",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeBias:
    """How often the first hit is at home (in the question's language), and how often it should be.

    ``first_hits`` is the share of the questions whose first hit is in their language,
    ``right_passages`` the mean over the same questions of the share of their right passages that
    is. Of a retriever to which languages are alike, the two are the same when it finds the right
    passage first, and between the shares of right and of all passages where it does not.
    """

    questions: int
    first_hits: float
    right_passages: float
    difference: Difference

    @property
    def line(self) -> str:
        """The figures and what they say, for people."""
        apart = self.difference
        return (
            f"first hits in the question's language: {self.first_hits:.3f}, right passages in it: "
            f"{self.right_passages:.3f} ({apart.mean:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]): "
            f"{_WORDS[apart.standing]}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "standing": self.difference.standing}


def home_bias(test_set: TestSet, run: Run) -> HomeBias | None:
    """Compare where first hits are with where right passages are, by the set's own languages.

    Questions without hits and such whose languages the set does not say are left out; None: all
    are.
    """
    first: list[float] = []
    right: list[float] = []
    for question in test_set.questions:
        ranked = run.get(question.id, ())
        grades = test_set.qrels[question.id]
        homes = [
            language == question.language
            for document, grade in grades.items()
            if grade > 0 and (language := test_set.languages.get(document))
        ]
        if question.language and ranked and homes:
            first.append(float(test_set.languages.get(ranked[0]) == question.language))
            right.append(sum(homes) / len(homes))
    if not first:
        return None
    return HomeBias(
        questions=len(first),
        first_hits=sum(first) / len(first),
        right_passages=sum(right) / len(right),
        difference=paired_bootstrap(first, right),
    )
