"""The sample knowledge base answers its questions across languages, by the whole real path."""

from __future__ import annotations

import pytest

from rag_engine import KnowledgeBase
from rag_engine.pipelines.demo import sample_documents, sample_questions

HIT_AT_1 = 0.9
QUOTED = {
    "manuals/filter_cartridge_replacement_ja.md": "10分間",
    "manuals/controller_pairing_ko.html": "20초",
    "safety/warehouse_forklift_zh.docx": "热泵木箱 | 最多层数: 两层",
    "hr/annual_leave_am.txt": "18 የሥራ ቀናት",
    "sales/flood_pump_rental_bn.md": "প্রথম তিন দিন",
}
"""Words of what the demo quotes. Of the press it quotes what to do, and not who may speak."""


@pytest.fixture(scope="module")
def sample_kb(tmp_path_factory: pytest.TempPathFactory, real_components):
    path = tmp_path_factory.mktemp("sample") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        report = kb.add_files(sample_documents(), prefix="")
        assert not report.problems
        assert not report.skipped
        yield kb


def test_hit_at_1(sample_kb: KnowledgeBase):
    misses = []
    questions = sample_questions()
    for sample in questions:
        (hit,) = sample_kb.search(sample.question, k=1)
        if hit.chunk.document_id != sample.document:
            misses.append((sample.question, sample.document, hit.chunk.document_id))
    assert len(misses) <= (1 - HIT_AT_1) * len(questions), misses


def test_it_holds_what_it_promises(sample_kb: KnowledgeBase):
    told = sample_kb.inspect()
    assert len(told.languages) >= 14
    assert told.documents >= 40
    assert {sample.document for sample in sample_questions()} <= set(sample_kb.document_ids())


def test_the_answers_of_the_demo_are_right_and_short(sample_kb: KnowledgeBase):
    demo = [sample for sample in sample_questions() if sample.demo]
    lines = {sample.document: sample_kb.ask(sample.question).text.splitlines() for sample in demo}
    assert len(lines) == 6
    for document, words in QUOTED.items():
        assert words in "\n".join(lines[document])
    assert sum(map(len, lines.values())) <= 7
