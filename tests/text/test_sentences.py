"""Sentence boundaries in every script, with exact offsets."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag_engine.text.lines import unwrapped
from rag_engine.text.sentences import sentences
from tests.text.samples import SAMPLES, text_in
from tests.text.sentence_ends import icu, measured, ours, without_language
from tests.waiting import grows_with


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize("language", sorted(set(SAMPLES) - {"lo", "th"}))
def test_stops_of_every_script(language):
    assert split(text_in(language)) == SAMPLES[language]


@pytest.mark.parametrize("language", ["lo", "th"])
def test_blanks_divide_scripts_without_stops(language):
    assert split(text_in(language)) == SAMPLES[language]


def test_short_thai_clauses_stay_together():
    assert split("สวัสดีครับ ขอบคุณครับ") == ["สวัสดีครับ ขอบคุณครับ"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Weiß wohnt z.B. in der Hohen Str. 5. Er kommt am 3. Mai.",
         ["Dr. Weiß wohnt z.B. in der Hohen Str. 5. Er kommt am 3. Mai."]),
        ("Mr. J. Smith paid 3.50 dollars. He left at 5 p.m. sharp.",
         ["Mr. J. Smith paid 3.50 dollars.", "He left at 5 p.m. sharp."]),
        ("It costs 1,234.50 in total. Pay now!", ["It costs 1,234.50 in total.", "Pay now!"]),
        ("Это рис. 4 на стр. 17. Смотрите ниже.",
         ["Это рис. 4 на стр. 17. Смотрите ниже."]),
        ("Voir M. Dupont et Mme. Durand. Merci.",
         ["Voir M. Dupont et Mme. Durand.", "Merci."]),
        ("He said no. Then he left.", ["He said no.", "Then he left."]),
        ("See No. Seven here. Good.", ["See No. Seven here.", "Good."]),
        ("So did I. We agreed.", ["So did I.", "We agreed."]),
    ],
)  # fmt: skip
def test_abbreviations_ordinals_and_decimals_end_nothing(text, expected):
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他问：真的吗？“是的。”她说。", ["他问：真的吗？", "“是的。”她说。"]),
        ("「はい。」と彼は言った。次です。", ["「はい。」と彼は言った。", "次です。"]),
        ("„Hallo.“ Er ging.", ["„Hallo.“", "Er ging."]),
        ("She said \"Go!\" He went (fast.) Then rest.",
         ["She said \"Go!\"", "He went (fast.)", "Then rest."]),
        ("Wait... What? Yes!!", ["Wait...", "What?", "Yes!!"]),
        ("هل أنت هنا؟ نعم۔ أنا هنا.", ["هل أنت هنا؟", "نعم۔", "أنا هنا."]),
        ("यह है॥ वह है। क्या?", ["यह है॥", "वह है।", "क्या?"]),
        ("ནང་པ། ཕྱི་པ། །མཇུག", ["ནང་པ།", "ཕྱི་པ། །", "མཇུག"]),
    ],
)  # fmt: skip
def test_marks_stay_with_what_they_close(text, expected):
    assert split(text) == expected


def test_thirty_languages():
    found, alone = measured(ours), measured(icu)
    assert len(found) == 31
    assert min(found["all"]) > 0.95
    for language, (precision, recall) in found.items():
        assert precision >= max(0.75, alone[language][0]), language
        assert recall >= 0.75, language
    unknown = measured(without_language)
    assert unknown["all"][0] > 1.4 * alone["all"][0]
    assert unknown["all"][1] > 0.9


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "He is in room 4. Go on.", ["He is in room 4.", "Go on."]),
        ("de", "Am 4. Mai.", ["Am 4. Mai."]),
        ("en", "1. Open the valve. 2. Wait.", ["1. Open the valve.", "2. Wait."]),
        ("hu", "A 2024. Március óta.", ["A 2024. Március óta."]),
        ("ja", "「はい。」と彼は言った。", ["「はい。」と彼は言った。"]),
        ("ja", "「はい。」とても寒い。", ["「はい。」とても寒い。"]),
        ("ja", "「はい。」部屋は寒い。", ["「はい。」", "部屋は寒い。"]),
        ("zh", "「快走！」他喊道。門關了。", ["「快走！」他喊道。", "門關了。"]),
        ("", "「そうだ。」問題はない。", ["「そうだ。」", "問題はない。"]),
        ("ru", "Он родился в 1950 г. Она позже.", ["Он родился в 1950 г.", "Она позже."]),
        ("ru", "Он живёт в г. Туле.", ["Он живёт в г. Туле."]),
        ("ru", "Хлеб и т. д. Потом чай, т. е. Не кофе.",
         ["Хлеб и т. д.", "Потом чай, т. е. Не кофе."]),
        ("de", "Er mag. Sie nicht.", ["Er mag.", "Sie nicht."]),
    ],
)  # fmt: skip
def test_a_known_language_has_its_own_rules(language, text, expected):
    assert [text[start:end] for start, end in sentences(text, language)] == expected


def test_lines_that_end_something():
    text = (
        "# Pump\r\n"
        "The pump pushes the water upwards, and it does so all day long\r\n"
        "without a sound. Clean it.\r\n"
        "\r\n"
        "- the filter\r\n"
        "- the seal, which is made\r\n"
        "  of rubber\r\n"
        "1. Open. Then 2) close.\r\n"
        "Size | Weight\r\n"
        "Big | 5 kg\r\n"
    )
    assert split(text) == [
        "# Pump",
        "The pump pushes the water upwards, and it does so all day long\r\nwithout a sound.",
        "Clean it.",
        "- the filter",
        "- the seal, which is made\r\n  of rubber",
        "1. Open.",
        "Then 2) close.",
        "Size | Weight",
        "Big | 5 kg",
    ]


def test_wrapped_capitals_are_no_new_sentence():
    text = (
        "Every employee who travels on behalf of the\n"
        "Company must keep the receipts of the whole\n"
        "Journey until the end of the year."
    )
    assert split(text) == [text]


def test_short_lines_are_items_of_their_own():
    assert split("Acme Ltd\nMain Street\nSpringfield") == ["Acme Ltd", "Main Street", "Springfield"]


def test_offsets_count_characters_not_utf16_units():
    text = "😀😀 One 𝄞. Two 👨‍👩‍👧 three! 𠮷野家。Four"
    assert split(text) == ["😀😀 One 𝄞.", "Two 👨‍👩‍👧 three!", "𠮷野家。", "Four"]


@pytest.mark.parametrize("text", ["", " ", "\r\n\t \u2003"])
def test_blank_text_has_no_sentences(text):
    assert sentences(text) == []


_FRAGMENTS = st.sampled_from(
    [
        *["Dr. ", "3. ", "z.B. ", ". ", "! ", "。", "？“", "”", "।", "།", "؟ ", ";", " "],
        *["\n\n", "- ", "| ", "\t", "😀", "𠮷", "e\u0301", "\u200f", "\u200d", "שלום"],
        *["\n", "\r\n", "Word", "word", "ไทย", "12", "\x00"],
    ]
)  # fmt: skip


@pytest.mark.parametrize(("language", "count"), [("en", 2), ("en-GB", 2), ("", 1), ("und", 1)])
def test_a_language_that_nobody_knows_is_none(language, count):
    assert len(sentences("Take pump 12. The seal lasts a year.", language)) == count


@given(st.one_of(st.text(max_size=80), st.lists(_FRAGMENTS, max_size=40).map("".join)))
@example("a\u2028b. C")
@example("\ufeffA. B")
@example(" . A")
def test_sentences_tile_the_text(text):
    found = sentences(text)
    position = 0
    for start, end in found:
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@given(st.lists(_FRAGMENTS, max_size=40).map("".join))
def test_unwrapping_keeps_every_place(text):
    flat = unwrapped(text)
    assert len(flat) == len(text)
    changed = {text[i] for i in range(len(text)) if text[i] != flat[i]}
    assert changed <= {"\n", "\r"}


@pytest.mark.parametrize(
    ("piece", "whole"),
    [
        ("The pump leaks. ", False),
        ("x", True),
        ("short line\n", False),
        ("e\u0301", True),
        ("A. ", True),  # initials never end
        ("- - -\n", False),
    ],
)
def test_long_texts_take_linear_time(piece, whole):
    times = 1_000_000 // len(piece) // 8
    assert len(sentences(piece * times)) == (1 if whole else times)
    assert grows_with(lambda size: sentences(piece * size), times // 4) < 1.5
