"""Encodings: marks, UTF-16 without a mark, code pages, cut and damaged characters."""

from __future__ import annotations

import pytest

from rag_engine.connectors.loaders.parsing.decoding import decode, detect_stream_encoding

TEXTS = {
    "ar": "تضخ المضخة ثلاثمائة لتر من الماء في الدقيقة.\nاغسلها كل أسبوع بماء نظيف.",
    "de": "Die Pumpe fördert dreihundert Liter Wasser in der Minute.\nSie müssen sie spülen.",
    "el": "Η αντλία δίνει τριακόσια λίτρα νερού το λεπτό.\nΠλένετέ την κάθε εβδομάδα.",
    "es": "La bomba envía trescientos litros por minuto.\nEl niño la limpió ayer con cañas.",
    "he": "המשאבה מספקת שלוש מאות ליטר מים בדקה.\nיש לשטוף אותה בכל שבוע במים נקיים.",
    "hi": "पंप एक मिनट में तीन सौ लीटर पानी देता है।\nइसे हर हफ़्ते धोइए।",
    "ja": "ポンプは毎分三百リットルの水を送ります。\n毎週きれいな水で洗ってください。",
    "ko": "펌프는 분당 삼백 리터의 물을 보냅니다.\n매주 깨끗한 물로 씻으십시오.",
    "pl": "Pompa tłoczy trzysta litrów wody na minutę.\nNależy ją płukać co tydzień, żeby szła.",
    "ru": "Насос подаёт триста литров воды в минуту.\nПромывайте его каждую неделю чистой водой.",
    "th": "ปั๊มจ่ายน้ำสามร้อยลิตรต่อนาที\nล้างด้วยน้ำสะอาดทุกสัปดาห์",
    "tr": "Pompa dakikada üç yüz litre su basar.\nHer hafta yıkayın, yoksa tıkanır, ağır çalışır.",
    "zh": "水泵每分钟送水三百升。\n请每周用清水冲洗一次，否则会堵塞。",
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
def test_unicode_is_recognised_with_and_without_a_mark(language: str, encoding: str) -> None:
    decoded = decode(TEXTS[language].encode(encoding))
    assert (decoded.text, decoded.replaced) == (TEXTS[language], 0)


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("ar", "cp1256"),
        ("ar", "iso8859-6"),
        ("de", "cp1252"),
        ("el", "cp1253"),
        ("es", "cp1252"),
        ("he", "cp1255"),
        ("ja", "cp932"),
        ("ja", "euc_jp"),
        ("ja", "iso2022_jp"),
        ("ko", "cp949"),
        ("pl", "cp1250"),
        ("pl", "iso8859-2"),
        ("ru", "cp1251"),
        ("ru", "koi8-r"),
        ("th", "cp874"),
        ("tr", "cp1254"),
        ("zh", "gb18030"),
        ("zh", "big5"),
    ],
)
def test_code_pages_are_told_apart(language: str, encoding: str) -> None:
    text = TEXTS[language]
    if encoding == "big5":
        text = "水泵每分鐘送水三百升。\n請每週用清水沖洗一次，否則會堵塞。"
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("language", "cut"), [("ru", 1), ("zh", 1), ("zh", 2), ("hi", 1), ("hi", 2)]
)
def test_a_character_cut_at_the_end_costs_that_character_only(language: str, cut: int) -> None:
    text = TEXTS[language]
    whole = text.rstrip("।。.")
    decoded = decode(whole.encode()[:-cut])
    assert decoded.text.rstrip("\ufffd") == whole[:-1]
    assert decoded.replaced == 1


def test_a_file_that_begins_within_a_character_is_still_utf8() -> None:
    decoded = decode(TEXTS["ru"].encode()[1:])
    assert decoded.encoding == "utf-8"
    assert decoded.text.endswith(TEXTS["ru"][1:])


def test_a_few_damaged_bytes_do_not_turn_utf8_into_a_code_page() -> None:
    data = (TEXTS["ru"] * 5).encode().replace("ч".encode(), b"\xe7", 1)
    decoded = decode(data)
    assert decoded.encoding == "utf-8"
    assert decoded.replaced == 1


def test_text_with_stray_nuls_is_not_taken_for_utf16() -> None:
    assert decode(b"one\0two three four " * 20).encoding == "utf-8"


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\xff"])
def test_next_to_nothing_decodes_to_next_to_nothing(data: bytes) -> None:
    assert len(decode(data).text) <= 1


def test_utf8_goes_before_what_a_file_declares() -> None:
    assert decode(TEXTS["ru"].encode(), declared="windows-1251").text == TEXTS["ru"]


def test_a_declared_code_page_decides_where_the_bytes_do_not() -> None:
    # These bytes are letters in the Western and the Central European code page alike.
    assert decode(b"\xe1 \xe9 \xb1", declared="iso-8859-2").text == "á é ą"


def test_a_wrong_declaration_is_not_believed() -> None:
    assert decode(TEXTS["ru"].encode("cp1251"), declared="iso-8859-1").text == TEXTS["ru"]


@pytest.mark.parametrize("declared", ["utf-7", "rot13", "base64", "nonsense", "utf-16", "zip", ""])
def test_only_code_pages_can_be_declared(declared: str) -> None:
    assert decode(TEXTS["pl"].encode("cp1250"), declared=declared).text == TEXTS["pl"]


def test_a_long_stream_is_judged_by_its_first_byte_that_is_no_utf8() -> None:
    pieces = [b"plain text in ascii\n" * 1000, b"more of it\n", TEXTS["pl"].encode("cp1250") * 20]
    assert detect_stream_encoding(pieces).encoding == "cp1250"
    assert detect_stream_encoding([TEXTS["zh"].encode("utf-16-le")]).encoding == "utf-16-le"
    cut = TEXTS["zh"].encode()
    assert detect_stream_encoding([cut[:7], cut[7:]]).encoding == "utf-8"
