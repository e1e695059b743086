"""JSON Lines and JSON lists."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.jsonl import JsonlLoader
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]


def test_a_row_is_a_document(load: Load) -> None:
    row = {
        "_id": 7,
        "title": "浄水器",
        "text": "毎週\r\n洗います。",
        "language": "ja",
        "n": 1.5,
        "ok": True,
        "none": None,
        "list": [1],
        "nested": {"a": 1},
        "empty": "",
    }
    (document,) = load(JsonlLoader(), "a.jsonl", json.dumps(row) + "\n")
    assert isinstance(document, Document)
    assert (document.id, document.source) == ("a.jsonl#7", "a.jsonl")
    assert (document.title, document.text) == ("浄水器", "毎週\n洗います。")
    assert document.language_hint == "ja"
    assert document.metadata == {"format": "jsonl", "language": "ja", "n": 1.5, "ok": True}


def test_columns_can_be_chosen(load: Load) -> None:
    loader = JsonlLoader(
        text_columns=["b"], title_column="c", id_column="d", metadata_columns=["e", "nope"]
    )
    (document,) = load(loader, "a.jsonl", '{"a":1,"b":"two","c":3,"d":"x","e":5,"text":"no"}')
    assert isinstance(document, Document)
    assert (document.id, document.title, document.text) == ("a.jsonl#x", "3", "two")
    assert document.metadata == {"format": "jsonl", "e": 5}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": "cut', "row 2: it is no JSON"),
        ('{"text": "a", "text": "b"}', "row 2: field 'text' stands there twice"),
        ('{"text": "a", "m": {"k": 1, "k": 2}}', "row 2: field 'k' stands there twice"),
        ('{"text": "a", "n": NaN}', "row 2: NaN is no JSON number"),
        ('{"text": "a", "n": -Infinity}', "row 2: -Infinity is no JSON number"),
        ('{"text": "a \\ud800 b"}', "row 2: field 'text' holds a lone surrogate"),
        ('{"text": "a", "\\udfff": 1}', "row 2: field '\ufffd' holds a lone surrogate"),
        ('{"title": "a"}', "row 2: no text in none of the known names; the row has: title"),
        ('{"text": "  "}', "row 2: no text in 'text'"),
        ('{"text": null}', "row 2: no text in 'text'"),
        ('["text"]', "row 2: it is no JSON object but list"),
        ('"text"', "row 2: it is no JSON object but str"),
        ("plain", "row 2: it is no JSON"),
        ('{"text": "a"} {"text": "b"}', "row 2: it is no JSON"),
        ('{"text": "a\0b"}', "row 2: it is no JSON"),
        ('{"text":' + "[" * 100_000, "row 2: it is no JSON"),
        ('{"text": "a", "n": ' + "9" * 5_000 + "}", "row 2: it is no JSON"),
        ('{"text": "' + "x" * 20_000 + '"}', "row 2: the line is longer than 15,000 characters"),
    ],
)
def test_a_bad_row_is_reported_and_the_others_are_kept(load: Load, row: str, reason: str) -> None:
    loader = JsonlLoader(max_line_characters=15_000 if "x" * 20_000 in row else 200_000)
    found = load(loader, "a.jsonl", f'{{"text": "one"}}\n{row}\n{{"text": "three"}}\n')
    assert [each.text for each in found if isinstance(each, Document)] == ["one", "three"]
    (problem,) = (each for each in found if isinstance(each, Problem))
    assert problem.source == "a.jsonl"
    assert problem.reason.startswith(reason)
    assert len(problem.reason) < 400


def test_numbers_that_no_database_holds_are_left_out(load: Load) -> None:
    (document,) = load(JsonlLoader(), "a.jsonl", f'{{"text":"a","big":1e999,"huge":{2**64}}}')
    assert isinstance(document, Document)
    assert document.metadata == {"format": "jsonl"}


def test_a_cut_last_line_and_blank_lines(load: Load) -> None:
    found = load(JsonlLoader(), "a.jsonl", '\ufeff{"text":"one"}\r\n\r\n{"text":"tw')
    assert [type(each).__name__ for each in found] == ["Document", "Problem"]


@pytest.mark.parametrize(
    ("content", "texts", "problems"),
    [
        ('[{"text": "a"}, {"text": "b"}]', ["a", "b"], 0),
        (" [ ] ", [], 0),
        ('{"text": "a"}', ["a"], 0),
        ('{"text":\n "a"}\n{"text": "b"}', ["a", "b"], 0),
        ('[{"text": "a"}, 5, {"text": "b"}]', ["a", "b"], 1),
        ('[{"text": "a"}, {"text": "b"', ["a"], 1),
        ('[{"text": "a"}', ["a"], 1),
        ('[{"text": "a"}, {"x": NaN}, {"text": "b"}]', ["a"], 1),
    ],
)
def test_json_files_hold_a_list(load: Load, content: str, texts: list[str], problems: int) -> None:
    found = load(JsonlLoader(), "a.json", content)
    assert [each.text for each in found if isinstance(each, Document)] == texts
    assert sum(isinstance(each, Problem) for each in found) == problems


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{"menu": {"save": "保存", "open": "開く"}}', "menu.save: 保存\nmenu.open: 開く"),
        ('{"raum": [{"name": "Saal"}, {"name": "Hof"}]}', "raum.1.name: Saal\nraum.2.name: Hof"),
        ('["مضخة", "صمام", [1, true, null]]', "مضخة, صمام\n3: 1, true"),
        ('"Pumpe"', "Pumpe"),
        ("5", "5"),
    ],
)
def test_other_json_is_one_text_with_the_paths_of_its_keys(
    load: Load, content: str, text: str
) -> None:
    [document] = load(JsonlLoader(), "a.json", content)
    assert isinstance(document, Document)
    assert (document.id, document.source, document.text) == ("a.json", "a.json", text)


def test_objects_without_a_text_are_rows_of_all_that_they_hold(load: Load) -> None:
    rows = [{"id": "p", "title": "Pumpe", "info": {"kg": 12}}, {"id": "v", "info": {}, "n": [0]}]
    found = load(JsonlLoader(), "a.json", json.dumps(rows))
    assert [
        (row.id, row.title, row.text) if isinstance(row, Document) else row for row in found
    ] == [
        ("a.json#p", "Pumpe", "id: p\ntitle: Pumpe\ninfo.kg: 12"),
        ("a.json#v", "", "id: v\nn: 0"),
    ]
    chosen = load(JsonlLoader(text_columns=["body"]), "a.json", json.dumps(rows))
    assert all(isinstance(row, Problem) for row in chosen)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is no JSON"),
        ("nonsense", "it is no JSON"),
        ('{"a": {"b": 1}', "it is no JSON"),
        ('{"a": 1, "a": 2}', "field 'a' stands there twice"),
        ("null", "it holds no value"),
        ('{"a": [{}, null]}', "it holds no value"),
    ],
)
def test_what_is_no_json_or_says_nothing_is_refused(load: Load, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(JsonlLoader(), "a.json", content)


def test_nesting_and_length_have_limits(load: Load) -> None:
    with pytest.raises(LoadLimitExceeded, match="nested too deeply"):
        load(JsonlLoader(), "a.json", "[" * 100_000)
    many = {"k" * 190: [{"a": number} for number in range(300_000)]}
    with pytest.raises(LoadLimitExceeded, match="more than 50,000,000 characters"):
        load(JsonlLoader(), "a.json", json.dumps(many))


def test_a_long_file_is_never_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    line = json.dumps({"text": "水 " * 500}, ensure_ascii=False) + "\n"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(4_000):
            file.write(line)
    assert path.stat().st_size > 8_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in JsonlLoader().load(path, "long.jsonl"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 4_000
    assert peak < 4_000_000
