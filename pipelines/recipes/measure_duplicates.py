"""How many translations ``rag-engine duplicates`` finds: ``measure_duplicates FOLDER CACHE``.

``FOLDER`` is SIB-200's ``data/annotated``. A knowledge base holds 750 of its sentences, each a
document, in twelve languages dealt out at random: 250 of them in two languages, 500 in one. Beside
it stands ``paraphrase_mining`` of sentence-transformers on the model's own vectors, with the two
thresholds that nobody has without the answers: the one with the best F1, and the one with the
greatest recall at our precision. ``CACHE`` is a folder of vectors: no text is embedded twice.

The constants of ``duplicates`` were chosen on twelve other languages.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.bench.sib200 import read_topics
from rag_engine.pipelines.tables import table
from rag_engine.ports import Embedder, Float32Array
from rag_engine.records import Document
from rag_engine.tasks.duplicate_records import Kind
from rag_engine.text.codes import normalise_language

__all__ = ["main"]

_LANGUAGES = ("deu_Latn", "spa_Latn", "zho_Hans", "hin_Deva", "tur_Latn", "jpn_Jpan", "tha_Thai",
              "ell_Grek", "yor_Latn", "tam_Taml", "isl_Latn", "ind_Latn")  # fmt: skip
_IN_TWO, _IN_ONE = 250, 500
_DEALS = 3
_Figures = tuple[float, float, float]


def main(arguments: Sequence[str]) -> None:
    """Print precision, recall and F1 of both, the means of three deals."""
    folder, kept = (Path(each) for each in arguments)
    read = [read_topics(folder, code, ["train", "dev", "test"]) for code in _LANGUAGES]
    texts = [dict(zip(each.ids, each.texts, strict=True)) for each in read]
    rows: dict[str, list[_Figures]] = {}
    with VectorCache(kept) as cache:
        embedder = CachedEmbedder(BundledE5(), cache)
        for deal in range(_DEALS):
            generator = np.random.default_rng(deal)
            order = generator.permutation(read[0].ids)[: _IN_TWO + _IN_ONE].tolist()
            items = [
                (sentence, int(at))
                for place, sentence in enumerate(order)
                for at in generator.choice(
                    len(texts), 2 if place < _IN_TWO else 1, replace=False
                ).tolist()
            ]
            given = [texts[at][sentence] for sentence, at in items]
            sentences = np.array([sentence for sentence, _ in items])
            pairs = _ours(given, [_LANGUAGES[at] for _, at in items], embedder)
            ours = _figures(sentences[pairs[:, 0]] == sentences[pairs[:, 1]])
            rows.setdefault("rag-engine duplicates", []).append(ours)
            mined = _mined(embedder.embed_passages(given), sentences, ours[0])
            rows.setdefault("paraphrase_mining, best F1", []).append(mined[0])
            rows.setdefault("paraphrase_mining, our precision", []).append(mined[1])
    for line in table([_row(name, found) for name, found in rows.items()]):
        sys.stdout.write(f"{line}\n")


def _row(name: str, found: Sequence[_Figures]) -> dict[str, str]:
    precision, recall, f1 = np.mean(found, axis=0)
    return {
        "translations": name,
        "precision": f"{precision:.3f}",
        "recall": f"{recall:.3f}",
        "F1": f"{f1:.3f}",
    }


def _ours(texts: Sequence[str], codes: Sequence[str], embedder: Embedder) -> npt.NDArray[np.intp]:
    """Return the pairs of texts that a knowledge base calls translations, ``(n, 2)``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        KnowledgeBase.open(Path(folder) / "kb", embedder=embedder) as kb,
    ):
        kb.add(
            Document(id=str(place), text=text, language_hint=normalise_language(code))
            for place, (text, code) in enumerate(zip(texts, codes, strict=True))
        )
        groups = kb.duplicates().of([Kind.TRANSLATION])
    pairs = [(int(one), int(other)) for group in groups for one, other in group.pairs]
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _mined(
    vectors: Float32Array, sentences: npt.NDArray[np.intp], precision: float
) -> tuple[_Figures, _Figures]:
    import torch
    from sentence_transformers.util import paraphrase_mining_embeddings

    mined = paraphrase_mining_embeddings(torch.from_numpy(np.ascontiguousarray(vectors)))
    right = np.array([sentences[one] == sentences[other] for _, one, other in mined])
    found = right.cumsum()
    best = int((2 * found / (np.arange(1, len(mined) + 1) + _IN_TWO)).argmax())
    as_precise = np.flatnonzero(found / np.arange(1, len(mined) + 1) >= precision)
    last = int(as_precise[-1]) if len(as_precise) else 0
    return _figures(right[: best + 1]), _figures(right[: last + 1])


def _figures(right: npt.NDArray[np.bool_]) -> _Figures:
    count = int(right.sum())
    return count / max(1, len(right)), count / _IN_TWO, 2 * count / (len(right) + _IN_TWO)


if __name__ == "__main__":
    main(sys.argv[1:])
