"""Every text of ``encoded_texts`` in every encoding: right, or a person is told."""

from __future__ import annotations

from collections import Counter

import pytest

from rag_engine.connectors.loaders.parsing.code_pages import judge
from rag_engine.connectors.loaders.parsing.decoding import decode, detect_stream_encoding
from rag_engine.connectors.loaders.parsing.letters import fit, letters_of
from tests.connectors.loaders.encoded_texts import TEXTS, outcome, pairs


def test_no_text_is_silently_wrong():
    counts: Counter[tuple[str, str]] = Counter()
    silent = []
    for language, encoding, length, data, text in pairs():
        told = outcome(data, text)
        counts[length, told] += 1
        if told == "silently wrong":
            silent.append((language, encoding, length))
    assert silent == []
    assert counts["long", "right"] >= 0.99 * sum(n for key, n in counts.items() if "long" in key)
    assert counts["short", "right"] >= 0.97 * sum(n for key, n in counts.items() if "short" in key)


@pytest.mark.parametrize("data", [b"\x80\x81\x8d\x90\xfe" * 9, bytes(range(128, 256)) * 3])
def test_what_is_no_text_is_told(data: bytes):
    assert decode(data).second or decode(data).replaced


def test_a_close_call_names_the_other_encoding_and_the_way_out():
    decoded = decode(TEXTS["pt"][0].encode("cp860"))
    assert decoded.second == "cp860"
    [problem] = decoded.problems
    assert "cp860" in problem
    assert "--encoding" in problem


def test_a_damaged_byte_does_not_turn_a_code_page_into_another():
    data = "\n".join(TEXTS["pl"]).encode("cp1250").replace(b"\n", b"\x83\n")
    verdict = judge(data)
    assert verdict is not None
    assert (verdict.encoding, verdict.doubtful) == ("cp1250", False)
    assert decode(data).replaced == 2


@pytest.mark.parametrize(
    ("right", "wrong", "language"),
    [
        ("τόπος", "τόπςο", "el"),
        ("ספרים", "םיספר", "he"),
        ("مدرسة", "ةمدرس", "ar"),
        ("เก้าอี้", "กเ้าอ", "th"),
        ("район", "ткйан", "ru"),
        ("señor", "seÑor", "es"),
        ("«uno»", "un¤o", "es"),
        ("„Haus“", "H„us", "de"),
    ],
)
def test_letters_stand_where_their_script_sets_them(right: str, wrong: str, language: str):
    assert letters_of(right).odd == 0.0
    assert fit(letters_of(wrong), language) < fit(letters_of(right), language) - 2


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("pl", "cp1250"), ("tr", "cp1254"), ("lt", "cp1257"), ("ru", "cp1251")],
)
def test_the_western_code_page_is_declared_by_habit(language: str, encoding: str):
    for text in (TEXTS[language][0], "\n".join(TEXTS[language])):
        decoded = decode(text.encode(encoding), declared="iso-8859-1")
        assert decoded.text == text or decoded.second == encoding


@pytest.mark.parametrize("language", ["pt", "sl", "pl"])
def test_what_is_declared_settles_a_close_call(language: str):
    encoding = {"pt": "mac_roman", "sl": "cp852", "pl": "cp1250"}[language]
    data = TEXTS[language][0].encode(encoding)
    assert decode(data).second
    assert decode(data, declared=encoding).problems == ()


@pytest.mark.parametrize("encoding", ["iso2022_jp", "iso2022_kr", "hz"])
def test_an_encoding_of_seven_bits_is_found_late_in_a_long_file(encoding: str):
    text = {"iso2022_jp": TEXTS["ja"], "iso2022_kr": TEXTS["ko"], "hz": TEXTS["zh"]}[encoding][1]
    data = b"plain ascii\n" * 100 + b"\n".join([text.encode(encoding)] * 2)
    if encoding == "iso2022_kr":  # it says itself at its beginning alone
        data = data[data.index(b"\x1b") :]
    found = detect_stream_encoding([data[:9], data[9:]]).encoding
    assert found.startswith(encoding)
    assert text in data.decode(found)


def test_signs_that_two_kinds_of_big5_read_otherwise():
    for encoding, text in (
        ("cp950", "凱西‧芬頓找到廉價班機飛往冰島。"),
        ("big5hkscs", "我哋喺屋企食咗飯，佢哋冇嚟。"),
    ):
        assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Śliwka;2,10\nŻurawina;7,30\n", "cp1250"),
        ("Tea;4 €\nSoap;2 €\n", "cp1252"),
        ("sep=;\nÄrmel;7,10\nKnopf;0,30\n", "cp1252"),
        ("Genève;3\n", "cp1252"),
        ("Łomża;12\nPoznań;4\n", "cp1250"),
        ("İznik\n", "cp1254"),
        ("£35\n", "cp1252"),
        ("Pâine;2\nȚuică;1\n".replace("Ț", "Ţ"), "cp1250"),
    ],
)
def test_a_handful_of_letters_is_of_windows_and_of_one_script(text: str, encoding: str):
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Obst;Preis\nÄpfel;1,10\nNüsse;3,20\nKäse;5,00\n", "cp1252"),
        ("Nom;Ville\nZoé;Nîmes\nRené;Orléans\n", "cp1252"),
        ("Ad;Şehir\nAyşe;Muğla\nİlker;Eskişehir\n", "cp1254"),
        ("Tea;4 €\nSoap;2 €\n", "cp1252"),
    ],
)
def test_no_one_is_told_of_readings_that_mix_scripts(text: str, encoding: str):
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.problems) == (text, ())


def test_where_no_language_is_told_the_next_reading_is():
    assert decode("Kőszeg;1\nGyőr;2\n".encode("cp1250")).second == "cp1250"
