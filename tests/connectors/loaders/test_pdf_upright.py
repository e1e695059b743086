"""Japanese that runs down, line by line from the right, as a browser prints it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.marks import unavailable

PARAGRAPHS = [
    "ポンプは毎分三百リットルの水を送り、重さは十二キログラムです。冬の前には必ず水を抜いて"
    "ください。水を抜かないと、凍結によって本体が割れることがあります。",
    "電源コードの長さは十メートルで、水位が下がると「フロート」が自動的にポンプを止めます。",
]


@pytest.mark.browser
def test_what_runs_down_is_read_from_the_right(
    tmp_path: Path, sandbox: Sandbox, load_one: Callable[..., Document]
):
    browser, lister = shutil.which("chromium"), shutil.which("fc-list")
    if browser is None:
        unavailable("browser", "no chromium")
    if not (lister and subprocess.check_output([lister, ":lang=ja"], text=True)):
        pytest.skip("NOT TESTED (browser): no font here has the letters of ja")
    page = tmp_path / "page.html"
    style = "writing-mode:vertical-rl;height:420px"
    body = "".join(f"<p>{each}" for each in PARAGRAPHS)
    page.write_text(f"<!doctype html><meta charset=utf-8><body style={style}>{body}", "utf-8")
    printed = tmp_path / "page.pdf"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", str(page)], check=True)
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", printed.read_bytes())
    assert document.text == "\n".join(PARAGRAPHS)
