from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest

from rag_engine.connectors.lexical.rank_bm25_index import RankBm25Factory
from rag_engine.errors import MissingExtra, StoreCorrupt
from tests.contracts.lexical_index import LexicalIndexContract, passages


def okapi_idf(corpus, term: str) -> float:
    """rank-bm25's idf: where it is negative, a quarter of the mean of all."""

    def plain(each: str) -> float:
        holding = sum(each in terms for terms in corpus.values())
        return math.log(len(corpus) - holding + 0.5) - math.log(holding + 0.5)

    known = {each for terms in corpus.values() for each in terms}
    if term not in known:
        return 0.0
    return plain(term) if plain(term) >= 0 else 0.25 * float(np.mean([*map(plain, known)]))


class TestRankBm25Index(LexicalIndexContract):
    @pytest.fixture
    def factory(self):
        return RankBm25Factory()

    def idf(self, corpus, term):
        return okapi_idf(corpus, term)


def test_the_file_is_lines_of_json(tmp_path):
    RankBm25Factory().build(passages({3: ["de:haus", "@de", "de:haus"], 9: []})).save(tmp_path)
    lines = (tmp_path / "terms.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"format": 1, "passages": 2},
        {"id": 3, "frequencies": {"de:haus": 2, "@de": 1}},
        {"id": 9, "frequencies": {}},
    ]


@pytest.mark.parametrize(
    "lines",
    [
        '{"format": 2, "passages": 1}\n{"id": 1, "frequencies": {"a": 1}}\n',
        '{"format": 1, "passages": 2}\n{"id": 1, "frequencies": {"a": 1}}\n',
        '{"format": 1, "passages": 1}\n{"id": 1, "frequencies": {"a": 0}}\n',
        '{"format": 1, "passages": 1}\n{"id": 1, "frequencies": {"a": "b"}}\n',
        '{"format": 1, "passages": 1}\n{"id": 1, "frequencies": ["a"]}\n',
        '{"format": 1, "passages": 1}\n{"id": 0, "frequencies": {"a": 1}}\n',
        '{"format": 1, "passages": 1}\n[1]\n',
        '{"format": 1, "passages": 1}\n{"terms": {"a": 1}}\n',
    ],
)
def test_a_file_that_was_not_written_by_save(tmp_path, lines):
    (tmp_path / "terms.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(StoreCorrupt, match=r"terms\.jsonl"):
        RankBm25Factory().load(tmp_path)


def test_without_rank_bm25(monkeypatch):
    monkeypatch.setitem(sys.modules, "rank_bm25", None)
    with pytest.raises(MissingExtra, match=r"rag-engine\[cpu\]"):
        RankBm25Factory()
