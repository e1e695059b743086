"""``rag-engine bench serve``, briefly."""

from __future__ import annotations

import json

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import InvalidInput, ServiceUnreachable
from rag_engine.pipelines.bench.serve import bench_serve, running_service
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("bench") / "kb"
    with KnowledgeBase.open(path) as kb:
        kb.add([Document(id="a", text="Die Dichtung wird jedes Jahr ersetzt.")])
    with running_service("--kb", str(path), "--max-wait", "60") as address:
        yield address


def test_rows_of_clients(url):
    rows = bench_serve(None, url=url, seconds=0.5, clients=(1, 3)).result["rows"]
    assert [row["clients"] for row in rows] == [1, 3]
    for row in rows:
        assert row["requests"] > 5
        assert row["errors"] == row["busy (429)"] == 0
        assert 0 < row["p50"] <= row["p95"] <= row["p99"]
        assert row["requests/s"] > 1
        assert row["memory MB"] > 50
        assert 0 < row["client ms"] < 1e3 / row["requests/s"] * 2


def test_a_soak_writes_and_deletes_and_watches(url, tmp_path, capsys):
    report = tmp_path / "soak.json"
    arguments = ["--url", url, "--minutes", "0.02", "--json", "--report", str(report)]
    assert main(["bench", "serve", *arguments]) == Exit.DONE
    result = json.loads(capsys.readouterr().out)["result"]
    assert result == json.loads(report.read_text(encoding="utf-8"))
    assert result["row"]["errors"] == 0
    assert result["samples"][-1]["descriptors"] > 5
    assert result["samples"][-1]["disk_mb"] > 0


def test_what_can_not_be_measured(tmp_path):
    with pytest.raises(InvalidInput):
        bench_serve(None, url="http://127.0.0.1:1", seconds=0)
    with pytest.raises(InvalidInput):
        bench_serve(None, url="ftp://127.0.0.1:1", seconds=0.1)
    with pytest.raises(ServiceUnreachable):
        bench_serve(None, url="http://127.0.0.1:1", seconds=0.1)
    with pytest.raises(ServiceUnreachable, match="no knowledge base"):
        bench_serve(tmp_path / "none", seconds=0.1)
