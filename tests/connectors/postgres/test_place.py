"""Knowledge bases on a server as a user meets them: made, found, refused, shared."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from rag_engine import Document, Equals, KnowledgeBase, Settings
from rag_engine.connectors.postgres import schema
from rag_engine.errors import (
    InvalidInput,
    SettingsError,
    StorageFailed,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreNotFound,
    StoreReadOnly,
)
from rag_engine.inspection import inspect_location
from rag_engine.location import ServerAddress, parse_location
from rag_engine.pipelines.cli import main
from rag_engine.store import catalogue as catalogue_module
from tests.samples import RULES, ids

TEXTS = [Document(id=f"d{n}", text=f"Die Regel {n} gilt überall.") for n in range(120)]


def server_of(address: str) -> tuple[str, str]:
    location = parse_location(address)
    assert isinstance(location, ServerAddress)
    return location.server, location.kb


def execute(address: str, sql: str) -> None:
    server, name = server_of(address)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.replace("KB", name))


def test_one_that_is_not_there_is_said_to_be_none(kb_address, quick_components):
    for how in ({"read_only": True}, {"create": False}):
        with pytest.raises(StoreNotFound, match="rag-engine index FOLDER"):
            KnowledgeBase.open(kb_address, components=quick_components, **how)
    with pytest.raises(StoreNotFound):
        inspect_location(parse_location(kb_address))


def test_of_two_that_make_it_at_once_both_have_the_same_one(kb_address, quick_components):
    start = threading.Barrier(4)

    def make(number: int) -> None:
        start.wait()
        with KnowledgeBase.open(kb_address, components=quick_components) as kb:
            kb.add([Document(id=f"d{number}", text=f"Regel {number}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    with KnowledgeBase.open(kb_address, components=quick_components, read_only=True) as kb:
        assert kb.document_ids() == ["d0", "d1", "d2", "d3"]
        assert kb.check().problems == []


def test_two_that_are_open_see_each_others_changes_at_once(kb_address, quick_components):
    with (
        KnowledgeBase.open(kb_address, components=quick_components) as one,
        KnowledgeBase.open(kb_address, components=quick_components) as other,
        KnowledgeBase.open(kb_address, components=quick_components, read_only=True) as reader,
    ):
        one.add(RULES)
        assert len(other.search("Pumpe", k=10)) == len(reader.search("Pumpe", k=10)) == 4
        other.add([Document(id="pump", text="Neu")])
        assert one.document("pump").text == reader.document("pump").text == "Neu"
        assert "Neu" in [hit.chunk.text for hit in one.search("Neu", k=10)]
        one.publish()
        other.delete(["pump"])
        assert "pump" not in ids(reader.search("Neu", k=10))
        assert [*reader.search("Pumpe", k=9)] == [*one.search("Pumpe", k=9)]
        assert one.path == other.path == reader.path
        with pytest.raises(StoreReadOnly):
            reader.add(RULES)


def test_two_caches_each_catch_up(kb_address, quick_components, tmp_path, monkeypatch):
    with KnowledgeBase.open(kb_address, components=quick_components) as one:
        one.add(TEXTS)
        one.publish()
        monkeypatch.setenv("RAG_ENGINE_CACHE", str(tmp_path / "elsewhere"))
        with KnowledgeBase.open(kb_address, components=quick_components) as other:
            assert other.path != one.path
            assert len(other.search("Regel", k=200)) == 120
            for number in range(0, 120, 12):
                other.delete([f"d{number + n}" for n in range(6)])
                other.publish()
                found = {frozenset(ids(kb.search("Regel 1", k=200))) for kb in (one, other)}
                assert len(found) == 1
            assert len(one.search("Regel", k=200)) == 60
            # One has not published since: the tombstones that it needs are still there.
            assert one._catalogue.forgotten() == 0


def test_of_many_tombstones_the_older_half_goes(kb_address, quick_components, monkeypatch):
    monkeypatch.setattr(catalogue_module, "_FEW_TOMBSTONES", 20)
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(TEXTS)
        kb.publish()
        behind = KnowledgeBase.open(kb_address, components=quick_components, read_only=True)
        assert len(behind.search("Regel", k=200)) == 120
        for number in range(30):
            kb.delete([f"d{number}"])
        kb.publish()
        catalogue = kb._catalogue
        assert 10 <= len(catalogue.tombstones(after=0)) <= 15
        assert catalogue.forgotten() > 0
        assert len(behind.search("Regel", k=200)) == 90
        behind.close()
        assert kb.check().problems == []


def test_the_cache_may_be_damaged_or_gone(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(TEXTS)
        kb.publish()
        (path,) = kb.path.glob("generations/*/ids.npy")
    path.write_bytes(b"no array")
    with KnowledgeBase.open(kb_address, components=quick_components, read_only=True) as kb:
        assert len(kb.search("Regel", k=200)) == 120
        assert kb.inspect().published


def test_what_was_dropped_and_made_again_meets_no_old_index(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(TEXTS)
        old = kb.path
    execute(kb_address, "DROP SCHEMA KB CASCADE")
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        assert kb.path != old
        assert kb.search("Regel") == []


def test_what_is_open_meets_no_other_that_was_made_in_its_place(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as old:
        old.add(RULES)
        execute(kb_address, "DROP SCHEMA KB CASCADE")
        with KnowledgeBase.open(kb_address, components=quick_components) as kb:
            kb.add(TEXTS[:3])  # of as many revisions
            for use in (lambda: old.search("Pumpe"), lambda: old.add(RULES)):
                with pytest.raises(StoreError, match="was dropped and made anew"):
                    use()
            assert kb.document_ids() == ["d0", "d1", "d2"]
            old._opened.close(publish=False)


def test_any_key_of_metadata_is_checked(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add([Document(id="a", text="x", metadata={"b": 1, "\0": "2", "\ue000": True})])
        assert kb.check().problems == []


def test_changed_rows_are_told(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(RULES)
        kb.publish()
        assert kb.check().problems == []
        execute(kb_address, "DELETE FROM KB.field; UPDATE KB.document SET title = 'x'")
        told = " ".join(problem.reason for problem in kb.check().problems)
        assert "'document'" in told
        assert "is not what was written" in told
        execute(kb_address, "DELETE FROM KB.chunk WHERE id = 1")
        with pytest.raises(StoreCorrupt):
            kb.search("Pumpe", k=10)
        told = " ".join(problem.reason for problem in kb.check().problems)
        assert "passages are there" in told
        assert "chunk 1" in told


def test_newer_tables_are_refused(kb_address, quick_components, monkeypatch):
    KnowledgeBase.open(kb_address, components=quick_components).close()
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 0)
    monkeypatch.setattr("rag_engine.connectors.postgres.database.SCHEMA_VERSION", 0)
    with pytest.raises(StoreCorrupt, match="version 1, this version of rag-engine reads 0"):
        KnowledgeBase.open(kb_address, components=quick_components)


def test_an_older_version_is_brought_up_to_date_by_a_writer(
    kb_address, quick_components, monkeypatch
):
    KnowledgeBase.open(kb_address, components=quick_components).close()
    database = "rag_engine.connectors.postgres.database"
    monkeypatch.setattr(f"{database}.SCHEMA_VERSION", 2)
    monkeypatch.setattr("rag_engine.connectors.postgres.dialect.POSTGRES.schema_version", 2)
    monkeypatch.setitem(schema.MIGRATIONS, 1, "ALTER TABLE source ADD COLUMN size BIGINT")
    with pytest.raises(StoreError, match="older version"):
        KnowledgeBase.open(kb_address, components=quick_components, read_only=True)
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(RULES)
        assert kb.check().problems == []
    execute(kb_address, "SELECT size FROM KB.source")


def test_a_schema_of_something_else_is_left_alone(kb_address, quick_components):
    execute(kb_address, "CREATE SCHEMA KB; CREATE TABLE KB.mine (a int)")
    with pytest.raises(StoreError, match=r"other tables \(mine"):
        KnowledgeBase.open(kb_address, components=quick_components)


def test_pictures_repair_and_recoding_are_refused(kb_address, quick_components, capsys):
    settings = Settings.model_validate({"images": {"model": "clip"}})
    with pytest.raises(SettingsError, match="pictures are not kept on a server"):
        KnowledgeBase.open(kb_address, settings=settings)
    KnowledgeBase.open(kb_address, components=quick_components).close()
    assert main(["check", "--kb", kb_address, "--repair"]) != 0
    assert "restore the database from a backup" in capsys.readouterr().err
    assert main(["compact", "--kb", kb_address, "--small-tokens"]) != 0
    assert "is for a knowledge base in a folder" in capsys.readouterr().err


def test_nothing_shows_a_password(kb_address, quick_components, caplog, capsys):
    server, name = server_of(kb_address)
    secret = server.replace("rag@", "rag:se%23cret@")
    caplog.set_level(logging.DEBUG)
    location = parse_location(f"{secret}?kb={name}&password=se%23cret")
    assert "cret" not in f"{location} {location!r}"
    assert "rag@127.0.0.1" in str(location)
    told = []
    for address in (
        f"{secret}?kb=no-name",
        f"{secret}?nonsense=1&kb=a",
        f"{secret}?kb={name}#x",
        secret.replace("/postgres", "/nowhere") + f"?kb={name}",
        secret.replace("127.0.0.1", "[::1") + f"?kb={name}",
        "postgresql://rag:se%23cret@127.0.0.1:1/postgres",
    ):
        with pytest.raises((InvalidInput, StorageFailed)) as raised:
            KnowledgeBase.open(address, components=quick_components)
        told.append(str(raised.value))
        main(["inspect", "--kb", address])
    with KnowledgeBase.open(f"{secret}?kb={name}", components=quick_components) as kb:
        told += [kb.location, repr(kb), str(kb.inspect())]
    with pytest.raises(StoreClosed) as closed:
        kb.search("x")
    out = capsys.readouterr()
    everything = " ".join([*told, str(closed.value), caplog.text, out.out, out.err])
    assert "se%23cret" not in everything
    assert "se#cret" not in everything
    assert 'database "nowhere" does not exist' in everything
    assert "see that the server runs" in everything


def test_texts_may_be_longer_than_a_trees_key(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        long = "".join(chr(0x4E00 + 7_919 * n % 20_000) for n in range(5_000))
        name = long[:1_024]
        kb.add([Document(id=name, text="x", source=name)])
        assert kb.add([Document(id=name, text="y", source=name)]).updated == 1
        assert kb.delete([name]) == [name]
        kb.add([Document(id="a", text="x", title=long, metadata={"m": long})])
        assert ids(kb.search("x", where=Equals("m", long))) == ["a"]
        assert ids(kb.search("x", where=Equals("title", long))) == ["a"]


def test_a_fork_is_refused_and_harms_nothing(kb_address, quick_components):
    with KnowledgeBase.open(kb_address, components=quick_components) as kb:
        kb.add(RULES)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                kb.document_ids()
            except StoreError:
                kb.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert len(kb.document_ids()) == 4
        kb.delete(["pump"])
