"""The sample knowledge base: its files are what its README promises."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import docx
import lxml.html
import pypdfium2
import pytest

import rag_engine.pipelines

SAMPLE = Path(rag_engine.pipelines.__file__).parent / "sample_kb"
DOCUMENTS = SAMPLE / "documents"
FILES = sorted(path for path in DOCUMENTS.rglob("*") if path.is_file())
FORMATS = {".txt", ".md", ".html", ".pdf", ".docx", ".csv", ".tsv", ".jsonl"}
MIXED = {"facilities/offices.jsonl", "support/incident_reports.jsonl"}
SCRIPTS = {
    "am": "ETHIOPIC",
    "ar": "ARABIC",
    "bn": "BENGALI",
    "el": "GREEK",
    "fa": "ARABIC",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "ja": "HIRAGANA",
    "ka": "GEORGIAN",
    "ko": "HANGUL",
    "ru": "CYRILLIC",
    "ta": "TAMIL",
    "th": "THAI",
    "uk": "CYRILLIC",
    "zh": "CJK",
}


def _name(path: Path) -> str:
    return path.relative_to(DOCUMENTS).as_posix()


def _language(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _with_suffix(*suffixes: str) -> list[Path]:
    return [path for path in FILES if path.suffix in suffixes]


def _rows(path: Path) -> list[dict[str, str]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    delimiter = "\t" if path.suffix == ".tsv" else ","
    return list(csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True))


def _pdf_pages(path: Path) -> list[str]:
    pdf = pypdfium2.PdfDocument(path)
    try:
        return [pdf[number].get_textpage().get_text_bounded() for number in range(len(pdf))]
    finally:
        pdf.close()


def _docx_text(path: Path) -> str:
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(each.text for each in document.paragraphs), *cells])


def _html_text(path: Path) -> str:
    article = lxml.html.fromstring(path.read_text(encoding="utf-8")).find(".//article")
    return str(article.text_content())


def _file_text(path: Path) -> str:
    if path.suffix == ".pdf":
        return "\n".join(_pdf_pages(path))
    if path.suffix == ".docx":
        return _docx_text(path)
    if path.suffix == ".html":
        return _html_text(path)
    return path.read_text(encoding="utf-8")


@cache
def _documents() -> dict[str, tuple[str, str]]:
    """Each document's id with its language and text."""
    documents = {}
    for path in FILES:
        if path.suffix in {".csv", ".tsv", ".jsonl"}:
            for row in _rows(path):
                language = row.get("language") or _language(path)
                documents[f"{_name(path)}#{row['id']}"] = (language, row["text"])
        else:
            documents[_name(path)] = (_language(path), _file_text(path))
    return documents


def _questions(name: str = "questions.jsonl") -> list[dict[str, object]]:
    text = (SAMPLE / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _script_of(text: str) -> str:
    """The script of most letters; one kana is enough to tell Japanese from Chinese."""
    names = [unicodedata.name(each, "?").split()[0] for each in text if each.isalpha()]
    if "HIRAGANA" in names:
        return "HIRAGANA"
    return Counter(names).most_common(1)[0][0]


def test_formats_languages_and_scripts_are_all_there() -> None:
    assert len(FILES) == 44
    assert {path.suffix for path in FILES} == FORMATS
    languages = {language for language, _ in _documents().values()}
    assert len(languages) == 22
    assert len({_script_of(text) for _, text in _documents().values()}) == 13


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_names_are_ascii_and_files_small(path: Path) -> None:
    assert _name(path).isascii()
    assert path.stat().st_size < 100_000
    assert _name(path) in MIXED or len(_language(path)) == 2


def test_every_document_is_in_the_script_of_its_language() -> None:
    wrong = {
        name: (language, _script_of(text))
        for name, (language, text) in _documents().items()
        if _script_of(text) != SCRIPTS.get(language, "LATIN")
    }
    assert not wrong


@pytest.mark.parametrize("path", _with_suffix(".html"), ids=_name)
def test_html_says_its_language_and_has_navigation_around_the_text(path: Path) -> None:
    page = lxml.html.fromstring(path.read_text(encoding="utf-8"))
    assert page.get("lang") == _language(path)
    assert page.findtext(".//title") == page.findtext(".//h1")
    assert page.find(".//nav") is not None
    assert page.find(".//footer") is not None


@pytest.mark.parametrize("path", _with_suffix(".md"), ids=_name)
def test_markdown_has_a_title_and_sections(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert sum(line.startswith("## ") for line in lines) >= 3


@pytest.mark.parametrize("path", _with_suffix(".docx"), ids=_name)
def test_docx_has_headings_and_a_table(path: Path) -> None:
    document = docx.Document(str(path))
    styles = Counter(each.style.name for each in document.paragraphs if each.style)
    assert styles["Heading 1"] == 1
    assert styles["Heading 2"] >= 3
    assert len(document.tables) == 1


@pytest.mark.parametrize("path", _with_suffix(".pdf"), ids=_name)
def test_pdf_has_two_pages_of_selectable_text(path: Path) -> None:
    pages = _pdf_pages(path)
    assert len(pages) == 2
    assert all(len(page) > 400 for page in pages)
    assert "\ufffd" not in "".join(pages)


@pytest.mark.parametrize("path", _with_suffix(".csv", ".tsv", ".jsonl"), ids=_name)
def test_tables_have_four_to_eight_rows_with_unique_ids(path: Path) -> None:
    rows = _rows(path)
    assert 4 <= len(rows) <= 8
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(len(row["text"]) > 60 for row in rows)


def test_questions_name_documents_that_exist() -> None:
    questions = _questions()
    assert {each["document"] for each in questions} <= set(_documents())
    assert len({each["question"] for each in questions}) == len(questions)
    for each in questions:
        assert set(each) - {"demo"} == {"question", "language", "document", "answer"}
        assert all(each[key] for key in ("question", "language", "answer"))


def test_every_file_answers_a_question() -> None:
    asked = {str(each["document"]).partition("#")[0] for each in _questions()}
    assert asked == {_name(path) for path in FILES}


def test_questions_are_in_the_script_of_their_language() -> None:
    for name in ("questions.jsonl", "questions_without_answer.jsonl"):
        for each in _questions(name):
            expected = SCRIPTS.get(str(each["language"]), "LATIN")
            assert _script_of(str(each["question"])) == expected, each


def test_most_questions_cross_languages() -> None:
    pairs = [(str(q["language"]), _documents()[str(q["document"])][0]) for q in _questions()]
    crossing = [pair for pair in pairs if pair[0] != pair[1]]
    assert len(crossing) >= 60
    assert len(pairs) - len(crossing) >= 10
    assert len(set(crossing)) >= 50
    unseen = {asked for asked, _ in pairs} - {language for language, _ in _documents().values()}
    assert unseen >= {"nl", "sv", "uk", "fa", "id"}


def test_the_demo_asks_across_scripts() -> None:
    demo = [each for each in _questions() if each.get("demo")]
    assert len(demo) == 6
    for each in demo:
        language, text = _documents()[str(each["document"])]
        assert each["language"] != language
        assert _script_of(str(each["question"])) != _script_of(text)


def test_questions_without_an_answer_are_six() -> None:
    rows = _questions("questions_without_answer.jsonl")
    assert len(rows) == 6
    assert all(set(row) == {"question", "language"} for row in rows)
