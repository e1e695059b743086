"""``rag-engine serve`` as a process of its own."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors.http.keys import Role, load_keys
from rag_engine.errors import StoreClosed
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.reembedding import reembed
from rag_engine.settings import Settings
from tests.connectors.http.service import write_keys
from tests.waiting import PATIENCE_S, wait_until

RUN = "from rag_engine.pipelines.cli import main; raise SystemExit(main())"
# Adding takes as long as the test wants: until a file is there.
HELD = """
import os, time
from rag_engine import KnowledgeBase
add = KnowledgeBase.add
def held(*given, **options):
    while not os.path.exists({go!r}):
        time.sleep(0.01)
    return add(*given, **options)
KnowledgeBase.add = held
"""


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "kb"
    with KnowledgeBase.open(path) as made:
        made.add([Document(id="garantie", text="La garantie dure trois ans à partir de l'achat.")])
    return path


@contextmanager
def process(
    *arguments: str | Path, before: str = ""
) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Start the command on a free port; yield it, its address, and its log so far.

    ``before`` is Python that its process runs first.
    """
    command = [sys.executable, "-c", before + RUN, "serve", "--port", "0", *map(str, arguments)]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    log: list[str] = []
    listening = threading.Event()

    def read():
        for line in started.stderr:
            log.append(line)
            if '"event": "listening"' in line:
                listening.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert listening.wait(PATIENCE_S), "".join(log)
        url = next(json.loads(line)["url"] for line in log if '"listening"' in line)
        yield started, url, log
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()
        reader.join()
        started.stdout.close()
        started.stderr.close()


def post(url: str, path: str, body: dict, **headers: str) -> httpx.Response:
    return httpx.post(
        url + path, json=body, headers=headers, timeout=PATIENCE_S, trust_env=False, verify=False
    )


def get(url: str, path: str) -> httpx.Response:
    return httpx.get(url + path, timeout=PATIENCE_S, trust_env=False, verify=False)


# Batches of 40 documents; the second one is embedded when a file is there.
HELD_BATCH = """
import os, time
from rag_engine import ingest
ingest.BATCH_DOCUMENTS = 40
embedded, calls = ingest._embedded, []
def held(texts, components):
    calls.append(len(texts))
    if len(calls) > {before}:
        open({begun!r}, "w").close()
        while not os.path.exists({go!r}):
            time.sleep(0.01)
    return embedded(texts, components)
ingest._embedded = held
"""


def test_a_stop_finishes_what_is_under_way_and_closes_the_knowledge_base(kb, tmp_path):
    go = tmp_path / "go"
    with process("--kb", kb, before=HELD.format(go=str(go))) as (served, url, log):
        assert post(url, "/v1/search", {"question": "warranty"}).status_code == 200
        documents = [
            {"id": f"d{n}", "text": " ".join(f"Satz {n} {m} über Pumpen." for m in range(9))}
            for n in range(12)
        ]
        replies: list[httpx.Response] = []

        def add():
            replies.append(post(url, "/v1/documents", {"documents": documents}))

        writing = threading.Thread(target=add)
        writing.start()
        wait_until(lambda: 'rag_engine_jobs{pool="write"} 1.0' in get(url, "/metrics").text)
        served.send_signal(signal.SIGTERM)
        wait_until(lambda: get(url, "/readyz").status_code == 503)
        assert get(url, "/healthz").json() == {"status": "stopping"}
        refused = post(url, "/v1/search", {"question": "warranty"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
        assert refused.headers["connection"] == "close"
        assert not replies
        go.touch()
        writing.join(PATIENCE_S)
        assert replies[0].status_code == 200
        assert replies[0].json()["added"] == 12
        assert served.wait(PATIENCE_S) == Exit.DONE
        assert "stopped: http://127.0.0.1:" in served.stdout.read()
        with pytest.raises(httpx.ConnectError):
            get(url, "/healthz")
    assert json.loads(log[-1])["event"] == "stopped"
    with KnowledgeBase.open(kb) as opened:  # the lock is free, the index published
        assert opened.inspect().published
        assert len(opened.document_ids()) == 13
        opened.delete([f"d{n}" for n in range(12)])


def test_a_crash_inside_of_a_library_says_where_every_thread_was(kb):
    with process("--kb", kb) as (served, url, log):
        assert post(url, "/v1/search", {"question": "warranty"}).status_code == 200
        served.send_signal(signal.SIGSEGV)
        assert served.wait(PATIENCE_S) == -signal.SIGSEGV
    told = "".join(log)
    assert "Fatal Python error: Segmentation fault" in told
    assert "in run" in told
    with KnowledgeBase.open(kb) as opened:
        assert opened.check().problems == []


TEXT = "Satz {n} handelt von Pumpen und davon, wie oft man ihre Dichtungen ersetzt."
HUNDRED = [{"id": f"h{n:03}", "text": TEXT.format(n=n)} for n in range(120)]


@contextmanager
def adding(
    kb: Path, folder: Path, before: int, grace: int, replies: list[object]
) -> Iterator[tuple[subprocess.Popen[str], str, list[str], Path]]:
    """Add 120 documents to a service, ``before`` steps of which are not held; yield it then."""
    go, begun = folder / "go", folder / "begun"
    held = HELD_BATCH.format(before=before, go=str(go), begun=str(begun))
    with process("--kb", kb, "--grace", str(grace), before=held) as (served, url, log):

        def add():
            try:
                replies.append(post(url, "/v1/documents", {"documents": HUNDRED}))
            except httpx.TransportError as error:
                replies.append(error)

        writing = threading.Thread(target=add)
        writing.start()
        try:
            wait_until(begun.exists)
            yield served, url, log, go
        finally:
            go.touch()
            writing.join(PATIENCE_S)


@pytest.mark.parametrize(("before", "kept"), [pytest.param(0, 0, marks=pytest.mark.slow), (1, 40)])
def test_a_stop_within_a_long_addition_is_503_and_says_what_is_kept(tmp_path, before, kept):
    kb = tmp_path / "kb"
    KnowledgeBase.open(kb).close()
    replies: list[httpx.Response] = []
    with adding(kb, tmp_path, before, 2, replies) as (served, _, log, go):
        served.send_signal(signal.SIGTERM)
        wait_until(lambda: any("writes end at their next step" in line for line in log))
        assert not replies
        go.touch()
        assert served.wait(PATIENCE_S) == Exit.DONE
    [reply] = replies
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "stopped")
    told = f"the first {kept} are kept" if kept else "nothing of the 120 documents is kept"
    assert told in reply.json()["error"]["message"]
    assert reply.headers["connection"] == "close"
    with KnowledgeBase.open(kb) as opened:
        assert opened.document_ids() == [document["id"] for document in HUNDRED[:kept]]
        for document in HUNDRED[:kept]:
            assert opened.document(document["id"]).text == document["text"]
        assert opened.check().problems == []
        again = opened.add(Document(**document) for document in HUNDRED)
        assert (again.added, again.unchanged) == (120 - kept, kept)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_at_once_and_keeps_whole_documents(tmp_path, number):
    kb = tmp_path / "kb"
    KnowledgeBase.open(kb).close()
    replies: list[object] = []
    with adding(kb, tmp_path, 1, 3600, replies) as (served, url, _, _):
        served.send_signal(number)
        wait_until(lambda: get(url, "/readyz").status_code == 503)
        served.send_signal(number)
        assert served.wait(PATIENCE_S) == -number  # with the write still held
    assert isinstance(replies[0], httpx.TransportError)
    with KnowledgeBase.open(kb) as opened:
        assert opened.document_ids() == [document["id"] for document in HUNDRED[:40]]
        assert opened.check().problems == []


def test_a_reader_serves_beside_a_writer_and_takes_no_documents(kb):
    with process("--kb", kb, "--read-only") as (served, url, _):
        with KnowledgeBase.open(kb) as writer:
            writer.add(
                [Document(id="neu", text="Das neue Dokument von nebenan handelt von Seilen.")]
            )
            asked = {"question": "rope", "k": 3}
            hits = post(url, "/v1/search", asked).json()["hits"]
            assert "neu" in {hit["document"] for hit in hits}
            writer.delete(["neu"])
        reply = post(url, "/v1/documents", {"documents": [{"id": "a", "text": "b"}]})
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "read_only")
        assert str(kb) not in reply.text
        assert get(url, "/v1/knowledge-base").json()["read_only"] is True
        served.send_signal(signal.SIGINT)
        assert served.wait(PATIENCE_S) == Exit.DONE


def test_keys_and_tenants_from_the_command_line(tmp_path, capsys):
    lines = []
    keys = {}
    for tenant in ("acme", "umbrella"):
        assert main(["serve", "--new-key", "--json"]) == Exit.DONE
        made = json.loads(capsys.readouterr().out)["result"]
        assert hashlib.sha256(made["key"].encode()).hexdigest() == made["sha256"]
        keys[tenant] = {"Authorization": f"Bearer {made['key']}"}
        lines += ["[[key]]", f'name = "{tenant}"', 'role = "write"', f'tenant = "{tenant}"']
        lines += [f'sha256 = "{made["sha256"]}"']
    path = tmp_path / "keys.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    arguments = ("--tenants", tmp_path / "kbs", "--keys", path, "--host", "0.0.0.0")
    with process(*arguments) as (served, url, log):
        url = url.replace("0.0.0.0", "127.0.0.1")
        document = {"documents": [{"id": "a", "text": "Das Passwort lautet Rosenkohl."}]}
        assert post(url, "/v1/documents", document, **keys["acme"]).status_code == 200
        asked = {"question": "Wie lautet das Passwort?"}
        assert len(post(url, "/v1/search", asked, **keys["acme"]).json()["hits"]) == 1
        assert post(url, "/v1/search", asked, **keys["umbrella"]).json()["hits"] == []
        assert post(url, "/v1/search", asked).status_code == 401
        served.terminate()
        assert served.wait(PATIENCE_S) == Exit.DONE
    assert sorted(each.name for each in (tmp_path / "kbs").iterdir()) == ["acme", "umbrella"]
    said = "".join(log)
    assert "Rosenkohl" not in said
    assert not [each for each in keys.values() if each["Authorization"].split()[1] in said]


def test_tenants_share_one_model_and_its_directions_of_tokens(tmp_path):
    kbs, settings = tmp_path / "kbs", ({}, {"retrieval": {"pool": 50}})
    for tenant, own in zip(("acme", "umbrella"), settings, strict=True):
        KnowledgeBase.open(kbs / tenant, settings=Settings.model_validate(own)).close()
    keys = write_keys(tmp_path / "keys.toml", ("acme", "umbrella"))
    with open_service(ServeOptions(tenants=kbs, keys=keys)) as service:
        acme, umbrella = map(service.tenants.of, ("acme", "umbrella"))
        assert (acme.kb.settings, umbrella.kb.settings) == tuple(
            map(Settings.model_validate, settings)
        )
        assert acme.embedder is umbrella.embedder
        spaces = [tenant.kb._opened.components.token_space for tenant in (acme, umbrella)]
        assert spaces[0].basis is spaces[1].basis  # so that their questions are embedded together


def test_a_new_key_is_shown_and_its_digest_goes_into_the_file(capsys, tmp_path):
    assert main(["serve", "--new-key"]) == Exit.DONE
    printed = capsys.readouterr()
    path = tmp_path / "keys.toml"
    path.write_text(printed.out, encoding="utf-8")
    key = printed.err.split()[-1]
    found = load_keys(path, several_tenants=False).find(key)
    assert found is not None
    assert found.role is Role.READ
    assert key not in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "0.0.0.0"), "can be reached by others"),
        (("--host", "::"), "can be reached by others"),
        (("--host", "example.org"), "can be reached by others"),
        (("--keys", "missing.toml"), "can not be read"),
        (("--workers", "0"), "from 1 to"),
        (("--upload-mb", "0"), " from "),
        (("--max-wait", "0"), " from "),
        (("--grace", "0"), "from 1 to"),
        (("--port", "70000"), "can not listen"),
        (("--host", "127.0.0.1", "--port", "{taken}"), "can not listen"),
    ],
)
def test_what_can_not_be_served_is_said_before_it_is_tried(kb, capsys, arguments, message):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        given = [each.replace("{taken}", port) for each in arguments]
        assert main(["serve", "--kb", str(kb), *given]) == Exit.FAILED
    assert message in capsys.readouterr().err


def test_knowledge_bases_that_can_not_be_opened(kb, tmp_path, capsys):
    assert main(["serve", "--kb", str(tmp_path / "none")]) == Exit.FAILED
    assert "no knowledge base" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    with KnowledgeBase.open(kb):
        assert main(["serve", "--kb", str(kb)]) == Exit.FAILED
    assert "writing" in capsys.readouterr().err
    assert main(["serve", "--tenants", str(tmp_path)]) == Exit.FAILED
    assert "--keys" in capsys.readouterr().err
    for wrong in ([], ["--kb", "a", "--tenants", "b"], ["--kb", "a", "--new-key"]):
        assert main(["serve", *wrong]) == Exit.USAGE
        assert "exactly one of --kb, --tenants and --new-key" in capsys.readouterr().err


def test_what_is_served_for_reading_gives_way_to_what_takes_its_place(tmp_path: Path):
    root = tmp_path / "kb"
    with KnowledgeBase.open(root) as made:
        made.add([Document(id="garantie", text="La garantie dure trois ans à partir de l'achat.")])
    with open_service(ServeOptions(kb=root, read_only=True)) as service:
        reembed(root, Settings.model_validate({"chunking": {"max_tokens": 40}}))

        def now() -> KnowledgeBase:
            tenant = service.tenants.of("default")
            assert tenant is not None
            return tenant.kb

        wait_until(lambda: now().settings.chunking.max_tokens == 40, "for the new one")
        assert now().search("How long is the warranty?")[0].chunk.document_id == "garantie"
        last = now()
    with pytest.raises(StoreClosed):
        last.search("Garantie")
