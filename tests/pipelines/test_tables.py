"""Tables as lines: aligned, and never wrapped or cut, however narrow the terminal."""

from __future__ import annotations

from rag_engine.pipelines.tables import table


def test_long_cells_stay_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    long = "x" * 300
    head, line = table([{"name": long, "number": 1_234}])
    assert line == f"{long}   1,234"
    assert head == "name".ljust(300) + "  number"


def test_wide_characters_take_two_columns():
    lines = table([{"title": "水泵", "n": 1}, {"title": "pump", "n": 2}])
    assert lines == ["title  n", "水泵   1", "pump   2"]


def test_what_looks_like_markup_is_text():
    assert table([{"[bold]a[/bold]": "[red]b[/red]"}]) == ["[bold]a[/bold]", "[red]b[/red]"]
    assert table([{":smile:": ":smile:"}]) == [":smile:", ":smile:"]


def test_no_rows_no_table():
    assert table([]) == []
