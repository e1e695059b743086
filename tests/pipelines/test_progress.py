"""Progress without a terminal: a line now and then; with one, a bar that leaves nothing behind."""

from __future__ import annotations

import io
import sys

import pytest

from rag_engine.pipelines import progress
from rag_engine.pipelines.progress import Bar


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_what_is_quick_says_nothing(clock, capsys):
    with Bar("indexing", 3, "file") as bar:
        for _ in bar.each(range(3)):
            clock.now += 3
    assert capsys.readouterr().err == ""


def test_what_is_slow_says_a_line_every_ten_seconds(clock, capsys):
    with Bar("indexing", 1_600, "file") as bar:
        for done in range(1, 1_601):
            clock.now += 0.03125
            bar.to(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "indexing: 320 of 1,600, about 40 s left"
    assert len(lines) == 5
    assert "\r" not in "".join(lines)


def test_stages_share_the_ten_seconds(clock, capsys):
    with Bar() as bar:
        for stage in ("lexical index", "dense index"):
            for done in range(4):
                clock.now += 3
                bar.stage(stage, done, 3)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "lexical index: 3 of 3",
        "dense index: 3 of 3",
    ]


def test_a_stage_that_goes_on_counts_its_time_from_there(clock, capsys):
    with Bar() as bar:
        bar.stage("files", 50, 100)
        clock.now += 3
        bar.stage("pages of a file", 1, 1)
        bar.stage("files", 60, 100)
        clock.now += 8
        bar.stage("files", 70, 100)
    assert capsys.readouterr().err == "files: 70 of 100, about 24 s left\n"


def test_what_is_not_counted_yet_has_no_time_left(clock, capsys):
    with Bar() as bar:
        clock.now += 11
        bar.stage("asking", 0, 0)
    assert capsys.readouterr().err == "asking: 0 of 0\n"


def test_of_what_nobody_knows_the_end_only_what_is_done_is_told(clock, capsys):
    with Bar("indexing documents") as bar:
        clock.now += 11
        bar.to(1_500)
    assert capsys.readouterr().err == "indexing documents: 1,500\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with Bar("indexing", 4, "file") as bar:
        assert list(bar.each("abcd")) == list("abcd")
        bar.stage("publishing", 1, 2)
    drawn = terminal.getvalue()
    assert "indexing" in drawn
    assert "publishing" in drawn
    assert "4/4" in drawn
