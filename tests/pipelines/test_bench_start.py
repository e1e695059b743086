"""``rag-engine bench start``, briefly."""

from __future__ import annotations

import json
from pathlib import Path

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

CHECKOUT = Path(__file__).parents[2]


def test_two_versions_are_run_in_turns(capsys):
    arguments = ["--runs", "1", "--beside", str(CHECKOUT), "--json"]
    assert main(["bench", "start", *arguments]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)["result"]
    assert list(told["seconds"]) == ["--help", "inspect", "search", "ask"]
    for by_version in told["seconds"].values():
        assert list(by_version) == ["here", "beside"]
        for cost in by_version.values():
            assert cost["processor_s"] > 0.01
            assert 0.01 < cost["wall_s"] < 120
    help_s = told["seconds"]["--help"]["here"]["processor_s"]
    assert told["seconds"]["search"]["here"]["processor_s"] > help_s


def test_what_can_not_be_run_is_told(tmp_path, capsys):
    assert main(["bench", "start", "--kb", str(tmp_path / "none"), "--runs", "1"]) == Exit.FAILED
    assert "no knowledge base" in capsys.readouterr().err
    both = ["--kb", str(tmp_path), "--beside", str(CHECKOUT)]
    assert main(["bench", "start", *both]) == Exit.FAILED
    assert "leave out --kb" in capsys.readouterr().err
    assert main(["bench", "start", "--beside", str(tmp_path)]) == Exit.FAILED
    assert "name a checkout" in capsys.readouterr().err
    assert main(["bench", "start", "--runs", "0"]) == Exit.FAILED
