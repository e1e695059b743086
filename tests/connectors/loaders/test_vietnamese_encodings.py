"""Vietnamese from before Unicode: VISCII, TCVN3 and VNI."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.parsing.code_pages import judge
from rag_engine.connectors.loaders.parsing.decoding import decode
from rag_engine.connectors.loaders.parsing.vietnamese_syllables import is_of_syllables
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.table import TableLoader
from rag_engine.connectors.loaders.text import TextLoader
from rag_engine.file_encoding import checked_encoding
from rag_engine.records import Document
from rag_engine.vietnamese_encodings import VIETNAMESE_ENCODINGS, know_vietnamese_encodings
from tests.connectors.loaders.encoded_texts import TEXTS

know_vietnamese_encodings()

LINES = (
    *TEXTS["vi"],
    "Vệ sinh máy bơm mỗi tuần một lần.",
    "Điều 5. Thời hạn bảo hành là 24 tháng kể từ ngày mua.",
    "Phải rửa bộ lọc bằng nước lạnh, không dùng xà phòng.",
)
BY_HAND = {  # nước, khởi, đặc, nghỉ, ngưỡng: what typewriters of these fonts have typed
    "viscii": b"n\xdf\xbec kh\xb7i \xf0\xa3c ngh\xef ng\xdf\xdeng",
    "tcvn3": b"n\xad\xedc kh\xebi \xae\xc6c ngh\xd8 ng\xad\xecng",
    "vni": b"n\xf6\xf4\xf9c kh\xf4\xfbi \xf1a\xebc ngh\xe6 ng\xf6\xf4\xf5ng",
}


@pytest.mark.parametrize("encoding", VIETNAMESE_ENCODINGS)
def test_bytes_written_by_hand(encoding: str) -> None:
    read = unicodedata.normalize("NFC", BY_HAND[encoding].decode(encoding))
    assert read == "nước khởi đặc nghỉ ngưỡng"
    assert checked_encoding(encoding.upper()) == encoding


@pytest.mark.parametrize("encoding", VIETNAMESE_ENCODINGS)
def test_a_line_is_told(encoding: str) -> None:
    for line in LINES:
        decoded = decode(line.encode(encoding))
        assert (decoded.encoding, decoded.problems) == (encoding, ())
        assert unicodedata.normalize("NFC", decoded.text) == line


@pytest.mark.parametrize("encoding", VIETNAMESE_ENCODINGS)
def test_what_is_too_short_to_tell_is_never_silently_wrong(encoding: str) -> None:
    for words in ("Giá vé", "Nước sạch"):
        decoded = decode(words.encode(encoding))
        if unicodedata.normalize("NFC", decoded.text) != words:
            assert decoded.problems, (words, decoded)


@pytest.mark.parametrize(
    ("encoding", "language"),
    [("cp1253", "el"), ("cp1255", "he"), ("mac_cyrillic", "ru"), ("cp1252", "fr"), ("cp874", "th")],
)
def test_no_other_language_is_taken_for_vietnamese(encoding: str, language: str) -> None:
    for line in TEXTS[language]:
        verdict = judge(line.encode(encoding))
        assert verdict is not None
        assert not {verdict.encoding, verdict.doubt} & set(VIETNAMESE_ENCODINGS), line


def test_syllables() -> None:
    assert all(map(is_of_syllables, LINES))
    assert is_of_syllables("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    assert not is_of_syllables("Only plain words")
    for wrong in ("ổằằịấ", "COẤNG HOỉA", "fürÂ", "nưng sứừ ắắ"):
        assert not is_of_syllables(wrong), wrong


def test_what_has_no_such_character_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError, match="no such character"):
        "Größe".encode("vni")
    assert "Größe".encode("vni", "replace") == b"Gr??e"
    with pytest.raises(UnicodeDecodeError):
        b"\x81".decode("vni")


@pytest.mark.parametrize("encoding", VIETNAMESE_ENCODINGS)
def test_files_are_read_in_the_one_that_is_named(
    sandbox: Sandbox, load: Callable[..., list[Document]], encoding: str
) -> None:
    text = TextLoader(sandbox=sandbox).in_encoding(encoding)
    [document] = load(text, "a.txt", "Giá vé".encode(encoding))
    assert unicodedata.normalize("NFC", document.text) == "Giá vé"
    rows = TableLoader(sandbox=sandbox).in_encoding(encoding)
    [row] = load(rows, "a.csv", "id,text\n1,Giá vé\n".encode(encoding))
    assert unicodedata.normalize("NFC", row.text) == "Giá vé"
