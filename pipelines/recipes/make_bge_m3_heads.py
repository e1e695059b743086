"""Gives an encoder BGE-M3's two heads: ``make_bge_m3_heads MODEL OUT FILE...``.

``MODEL`` is a folder of sentence-transformers with safetensors (``rag-engine export bundled MODEL
--to sentence-transformers``); ``OUT`` becomes a copy of it that ``kind = "bge-m3"`` opens. Each
``FILE`` (JSON Lines, may be gzipped) has ``question`` and ``passage`` a line (lines whose
``answerable`` is false are passed over), or ``texts``: a paragraph in several languages, of which
one asks by its first sentence for another. The encoder stays as it is: what is trained is what its
tokens weigh and where their vectors lie, by self-knowledge distillation of the three scores (Chen
et al. 2024, "BGE M3-Embedding", section 3.2). Passages stand in a batch beside those that are
nearest to them, which are its negatives.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag_engine.connectors.embedders.bge_m3 import BgeM3Embedder, TextRun
from rag_engine.connectors.embedders.bge_m3_heads import HEAD_FILES
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.progress import Bar
from rag_engine.ports import Float32Array

__all__ = ["distillation_loss", "examples", "main", "untrained"]

_SEED = 20_261_130
_TEMPERATURE = 0.02
_WEIGHTS = (1.0, 0.3, 1.0)
"""Of the dense, the lexical and the multi-vector score in their sum: section 3.2."""
_LOSSES = (1.0, 0.1, 1.0)
"""Of the loss of each: section 3.2."""
_CHARACTERS = 600
"""Of a passage that are read: what a token weighs is learnt from beginnings, too."""
_BATCH, _NEAR = 48, 6
"""Passages of a batch, and how many neighbours stand together in it."""
_TOGETHER = 32
_FIRST_SENTENCE = 120


class Example(NamedTuple):
    """A question and the passage that answers it."""

    question: str
    passage: str
    group: str


def distillation_loss(scores: Sequence[Any], temperature: float = _TEMPERATURE) -> Any:
    """Return the loss of ``scores``: dense, lexical and multi-vector, torch ``(n, n)`` each.

    Row ``i`` are the scores of question ``i`` with all passages, of which passage ``i`` answers.
    With the integrated score ``s = 1 dense + 0.3 lexical + 1 multi`` (section 3.2)::

        L  = (L(dense) + 0.1 L(lexical) + L(multi) + L(s)) / 4      InfoNCE
        L' = (L'(dense) + 0.1 L'(lexical) + L'(multi)) / 3          -softmax(s) log softmax(score)

    and the result is ``(L + L') / 2``. No gradient goes through the teacher ``s``.
    """
    import torch
    from torch.nn.functional import cross_entropy

    whole = sum(weight * score for weight, score in zip(_WEIGHTS, scores, strict=True))
    right = torch.arange(len(scores[0]))
    logits = [score / temperature for score in scores]
    own = cross_entropy(whole / temperature, right)
    own = own + sum(w * cross_entropy(x, right) for w, x in zip(_LOSSES, logits, strict=True))
    teacher = torch.softmax(whole.detach() / temperature, dim=-1)
    taught = sum(w * cross_entropy(x, teacher) for w, x in zip(_LOSSES, logits, strict=True))
    return (own / 4 + taught / 3) / 2


def examples(paths: Sequence[Path], most: int) -> list[Example]:
    """Return examples of some files, ``most`` of each, shared equally by their languages."""
    random = np.random.default_rng(_SEED)
    found: list[Example] = []
    for path in paths:
        groups: dict[str, list[Example]] = defaultdict(list)
        for example in _of_file(path, random):
            groups[example.group].append(example)
        for group in groups.values():
            random.shuffle(group)
        taken, round_ = 0, 0
        while taken < most and any(len(group) > round_ for group in groups.values()):
            for name in sorted(groups):
                if len(groups[name]) > round_ and taken < most:
                    found.append(groups[name][round_])
                    taken += 1
            round_ += 1
    passages = {example.passage: example for example in found}
    return list(passages.values())


def _of_file(path: Path, random: np.random.Generator) -> Iterator[Example]:
    with ExitStack() as files:
        if path.suffix == ".gz":
            file = files.enter_context(gzip.open(path, "rt", encoding="utf-8"))
        else:
            file = files.enter_context(path.open(encoding="utf-8"))
        for row in map(json.loads, file):
            if "texts" in row:
                languages = sorted(row["texts"])
                if len(languages) > 1:
                    asked, told = random.choice(languages, 2, replace=False).tolist()
                    question = row["texts"][asked].split(". ")[0][:_FIRST_SENTENCE]
                    if len(question) >= _FIRST_SENTENCE // 6:
                        yield Example(question, row["texts"][told][:_CHARACTERS], told)
            elif row.get("answerable", True):
                yield Example(row["question"], row["passage"][:_CHARACTERS], row["language"])


def untrained(model: Path, out: Path) -> None:
    """Copy a model's folder to ``out`` with heads that have learnt nothing.

    Raises:
        InvalidInput: ``out`` is there already.
    """
    import torch

    if out.exists():
        raise InvalidInput(f"{str(out)!r} is there already; name a new folder")
    shutil.copytree(model, out)
    width = int(json.loads((out / "config.json").read_text(encoding="utf-8"))["hidden_size"])
    torch.manual_seed(_SEED)
    sparse = {"weight": 0.02 * torch.randn(1, width), "bias": torch.full((1,), 0.1)}
    colbert = {"weight": torch.eye(width), "bias": torch.zeros(width)}
    for name, tensors in zip(HEAD_FILES, (sparse, colbert), strict=True):
        torch.save(tensors, out / name)


def _runs(embedder: BgeM3Embedder, prompt: str, texts: Sequence[str], bar: Bar) -> list[TextRun]:
    """Run the encoder over texts, those of like length together; in the order of the texts."""
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    runs: dict[int, TextRun] = {}
    for start in range(0, len(order), _TOGETHER):
        rows = order[start : start + _TOGETHER]
        runs |= zip(rows, embedder.runs(prompt, [texts[row] for row in rows]), strict=True)
        bar.to(len(runs))
    return [runs[row] for row in range(len(texts))]


def _batches(vectors: Float32Array, random: np.random.Generator) -> Iterator[list[int]]:
    """Yield the places of passages ``(n, dimension)``, each beside those nearest to it."""
    left = np.ones(len(vectors), dtype=np.bool_)
    batch: list[int] = []
    for place in random.permutation(len(vectors)).tolist():
        if left[place]:
            near = np.argsort(-(vectors @ vectors[place]), kind="stable")
            chosen = near[left[near]][:_NEAR].tolist()
            left[chosen] = False
            batch += chosen
            if len(batch) >= _BATCH:
                yield batch
                batch = []
    if len(batch) > 1:  # one passage alone has none beside it
        yield batch


class _Heads:
    """The heads as they are trained, and the three scores of some questions and passages."""

    def __init__(self, width: int, special: Sequence[int]) -> None:
        import torch

        torch.manual_seed(_SEED)
        self.sparse, self.colbert = torch.nn.Linear(width, 1), torch.nn.Linear(width, width)
        self._special = torch.tensor(special)
        with torch.no_grad():
            self.sparse.weight.normal_(std=0.02)
            self.sparse.bias.fill_(0.1)
            self.colbert.weight.copy_(torch.eye(width))
            self.colbert.bias.zero_()

    def scores(self, questions: Sequence[TextRun], passages: Sequence[TextRun]) -> list[Any]:
        """Return dense, lexical and multi-vector scores, torch ``(n_questions, n_passages)``."""
        import torch

        sides = (questions, passages)
        dense = [torch.tensor(np.array([run.vector for run in side])) for side in sides]
        tokens = torch.unique(torch.cat([torch.tensor(run.ids) for side in sides for run in side]))
        lexical = [self._weights(side, tokens) for side in sides]
        asked, told = (self._vectors(side) for side in sides)
        (asked_vectors, asked_mask), (told_vectors, told_mask) = asked, told
        near = torch.einsum("qid,pjd->qpij", asked_vectors, told_vectors)
        best = near.masked_fill(~told_mask[None, :, None, :], -1).amax(dim=-1)
        best = best * asked_mask[:, None, :]
        multi = best.sum(dim=-1) / asked_mask.sum(dim=-1)[:, None]
        return [dense[0] @ dense[1].T, lexical[0] @ lexical[1].T, multi]

    def _weights(self, runs: Sequence[TextRun], tokens: Any) -> Any:
        """Return what each of some tokens weighs in each text, ``(n_texts, n_tokens)``."""
        import torch

        rows = []
        for run in runs:
            ids = torch.tensor(run.ids)
            weights = self.sparse(run.states.clone()).relu().squeeze(-1)
            weights = weights * ~torch.isin(ids, self._special)
            empty = torch.zeros(len(tokens))
            rows.append(empty.scatter_reduce(0, torch.searchsorted(tokens, ids), weights, "amax"))
        return torch.stack(rows)

    def _vectors(self, runs: Sequence[TextRun]) -> tuple[Any, Any]:
        import torch
        from torch.nn.utils.rnn import pad_sequence

        states = [run.states[run.first :].clone() for run in runs]
        vectors = self.colbert(pad_sequence(states, batch_first=True))
        lengths = torch.tensor([len(each) for each in states])
        mask = torch.arange(vectors.shape[1])[None] < lengths[:, None]
        return torch.nn.functional.normalize(vectors, dim=-1), mask

    def save(self, folder: Path) -> None:
        """Write the heads as BGE-M3 publishes its own."""
        import torch

        for name, layer in zip(HEAD_FILES, (self.sparse, self.colbert), strict=True):
            torch.save(layer.state_dict(), folder / name)


def main(arguments: Sequence[str]) -> None:
    """Write the model with its heads into the folder ``OUT``, and what was learnt to stdout."""
    import torch

    parser = argparse.ArgumentParser(prog="make_bge_m3_heads")
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--examples", type=int, default=500, help="of each file")
    parser.add_argument("--epochs", type=int, default=8)
    given = parser.parse_args(arguments)
    pairs = examples(given.files, given.examples)
    if len(pairs) < 2:
        names = ", ".join(map(str, given.files))
        raise InvalidInput(
            f"{len(pairs)} examples in {names}; a line has 'question' and 'passage', or 'texts' in "
            "several languages, and two passages at least are needed"
        )
    untrained(given.model, given.out)
    embedder = BgeM3Embedder(model=str(given.out))
    prompts = embedder.contract.query_prompt, embedder.contract.passage_prompt
    with Bar("running the encoder over questions", len(pairs), "text") as bar:
        questions = _runs(embedder, prompts[0], [pair.question for pair in pairs], bar)
    with Bar("running the encoder over passages", len(pairs), "text") as bar:
        passages = _runs(embedder, prompts[1], [pair.passage for pair in pairs], bar)
    heads = _Heads(questions[0].states.shape[1], embedder.special_tokens)
    chosen = [
        {"params": heads.sparse.parameters(), "lr": 5e-3},
        {"params": heads.colbert.parameters(), "lr": 5e-4},
    ]
    optimizer = torch.optim.AdamW(chosen)
    vectors = np.array([run.vector for run in passages])
    random = np.random.default_rng(_SEED)
    for epoch in range(given.epochs):
        losses = []
        for batch in _batches(vectors, random):
            scores = heads.scores(
                [questions[row] for row in batch], [passages[row] for row in batch]
            )
            loss = distillation_loss(scores)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append([loss.item(), *(_first(score) for score in scores)])
        told = np.mean(losses, axis=0).round(3).tolist()
        line = dict(zip(("loss", "dense", "sparse", "multi"), told, strict=True))
        sys.stdout.write(json.dumps({"epoch": epoch + 1, **line}) + "\n")
        heads.save(given.out)


def _first(scores: Any) -> float:
    """Return the share of questions whose own passage is nearest."""
    import torch

    return float((scores.argmax(dim=1) == torch.arange(len(scores))).float().mean())


if __name__ == "__main__":
    main(sys.argv[1:])
