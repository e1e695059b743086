"""Tasks beside search, of an open knowledge base. ``KnowledgeBase`` has them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag_engine.health.extent import MOST_SAMPLE, SAMPLE
from rag_engine.opening import OpenedStore
from rag_engine.store.progress import OnStage, silent

if TYPE_CHECKING:
    from rag_engine.store.view import View
    from rag_engine.tasks.classification import Classification, Label
    from rag_engine.tasks.clusters import Clusterer, Clusters
    from rag_engine.tasks.duplicate_records import Duplicates
    from rag_engine.tasks.keeping import KeepingPlan

__all__ = ["KnowledgeBaseTasks"]


class KnowledgeBaseTasks:
    """What an open knowledge base tells of all that it holds, and its model of texts."""

    _opened: OpenedStore

    def _lenient_view(self) -> View:
        self._opened.check_open()
        return self._opened.index.view().without_vanished()

    def duplicates(self, *, on_stage: OnStage = silent) -> Duplicates:
        """Return the passages and documents that say the same: exactly, nearly, as translations.

        ``rag_engine.tasks.duplicates`` says what counts as which, ``rag_engine.tasks.keeping``
        chooses what is kept of them.

        Example: ``print([group.kind for group in kb.duplicates().groups])``
        """
        from rag_engine.tasks.duplicates import find_duplicates

        return find_duplicates(self._lenient_view(), on_stage=on_stage)

    def delete_duplicates(self, plan: KeepingPlan) -> list[str]:
        """Delete the documents that a plan says, none but those; return the ids that were there.

        A file of which no document is left is read again when it is next added.

        Example: ``kb.delete_duplicates(plan_keeping(kb.duplicates().groups, ["first-added"]))``
        """
        with self._opened.writing():
            return self._opened.catalogue.delete_exactly(sorted(plan.deleted))

    def clusters(
        self,
        clusterer: Clusterer,
        *,
        sample: int = SAMPLE,
        seed: int = 1,
        on_stage: OnStage = silent,
    ) -> Clusters:
        """Return what the passages are about, whatever languages they are in.

        Of more than ``sample`` passages (20,000 at most) as many are drawn by ``seed``. The
        ``clusterer`` is any, such as ``rag_engine.connectors.scikit_learn.KMeansClusterer``.

        Raises:
            InvalidInput: there are fewer than two passages; a ``sample`` or a ``seed`` that can not
                be meant.
            MissingExtra: the clusterer's package is not installed.

        Example: ``print(kb.clusters(KMeansClusterer(8)).purity)``
        """
        from rag_engine.health.sample import draw
        from rag_engine.tasks.clusters import cluster_sample
        from rag_engine.whole_numbers import check_whole

        check_whole("sample", sample, 2, MOST_SAMPLE)
        check_whole("seed", seed, 0)
        view = self._lenient_view()
        on_stage("reading passages", 0, 0)
        drawn = draw(view, sample, seed)
        on_stage("clustering passages", 0, 0)
        return cluster_sample(drawn, clusterer, seed=seed)

    def classify(
        self,
        texts: Sequence[str],
        labels: Sequence[str | Label],
        *,
        language: str | None = None,
        label_language: str | None = None,
        own_means: bool = False,
        raw: bool = False,
    ) -> Classification:
        """Return what texts are about, by the knowledge base's model, whatever it holds.

        The same as by ``rag_engine.tasks.classification``, which says what the arguments are and
        what is refused.

        Example: ``found = kb.classify(["Wer haftet?"], ["law", "sports"])``
        """
        from rag_engine.tasks.classification import classify

        self._opened.check_open()
        parts = self._opened.components
        return classify(
            texts,
            labels,
            embedder=parts.embedder,
            detector=None if raw else parts.detector,
            language=language,
            label_language=label_language,
            own_means=own_means,
            raw=raw,
        )
