"""A knowledge base whose vectors are on a Milvus server: the same answers, and nothing lost."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymilvus
import pytest

from rag_engine import Document, Equals, KnowledgeBase, Settings
from rag_engine.connectors.dense import milvus_index
from rag_engine.connectors.dense.milvus_index import MilvusIndex, MilvusIndexFactory
from rag_engine.connectors.lexical.milvus_bm25 import MilvusLexicalFactory
from rag_engine.connectors.milvus.collection_journal import VECTORS, CollectionJournal
from rag_engine.connectors.milvus.service import MilvusService
from rag_engine.errors import StoreCorrupt
from rag_engine.pipelines.cli import main
from rag_engine.settings import MilvusDenseSettings, MilvusSettings
from tests.samples import RULES, ids

KILLS = int(os.environ.get("RAG_ENGINE_KILLS", "4"))
"""How often the writer is killed; set it to 50 for a thorough trial."""


def documents(count: int) -> list[Document]:
    return [
        Document(
            id=f"d{number}",
            text=f"Die Kiste {number} steht im Regal {number % 7}.",
            metadata={"shelf": number % 7, "first": number < 3},
        )
        for number in range(count)
    ]


@pytest.fixture(params=["lite", "server"])
def uri(request, monkeypatch):
    monkeypatch.setattr(milvus_index, "_COMPARED", 0)  # ask Milvus even of a handful
    return request.getfixturevalue(f"milvus_{request.param}")


@pytest.fixture
def components(uri, quick_components):
    service = MilvusService(MilvusSettings(uri=uri, prefix="kb"))
    yield dataclasses.replace(quick_components, dense=MilvusIndexFactory(service=service))
    service.close()


def sealed(kb: KnowledgeBase) -> MilvusIndex:
    found = kb._index.snapshot().segments[0].dense
    assert isinstance(found, MilvusIndex)
    return found


def collections(service) -> list[str]:
    found: list[str] = pymilvus.MilvusClient(uri=service.uri).list_collections()
    return found


def drop_all(path: Path, components) -> None:
    for entry in CollectionJournal(path, VECTORS, components.dense.service).entries():
        components.dense.service.drop(entry.name)  # behind the journal's back


def test_the_same_hits_as_without(tmp_path, components, quick_components):
    questions = [each.text for each in documents(60)[::5]]
    found = []
    for name, parts in (("milvus", components), ("local", quick_components)):
        with KnowledgeBase.open(tmp_path / name, components=parts) as kb:
            kb.add(documents(60))
            kb.publish()
            kb.delete(["d5"])
            kb.add(RULES)
            for where in (None, Equals("shelf", 3), Equals("language", "de")):
                hits = [kb.search(question, where=where) for question in questions]
                found.append(
                    [[(hit.chunk.document_id, hit.score) for hit in each] for each in hits]
                )
            found.append([ids(kb.search(RULES[0].text, k=1)), ids(kb.search(questions[1], k=60))])
            assert "d5" not in found[-1][1]
    half = len(found) // 2
    assert found[:half] == found[half:]
    drop_all(tmp_path / "milvus", components)


def test_opened_again_searched_by_a_reader_and_built_anew(tmp_path, components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components) as kb:
        kb.add(documents(20))
    first = CollectionJournal(path, VECTORS, components.dense.service).entries()[-1].name
    with KnowledgeBase.open(path, components=components) as kb:
        assert sealed(kb).name == first
        assert kb.inspect().dense.startswith("milvus ")
        reader = KnowledgeBase.open(path, components=components, read_only=True)
        kb.add(documents(30))
        kb.compact()
        assert sealed(kb).name != first
        # The reader goes on with the collection before, then takes the new one.
        assert ids(reader.search(documents(30)[25].text, k=1)) == ["d25"]
        assert sealed(reader).name == sealed(kb).name
        reader.close()
    assert len(CollectionJournal(path, VECTORS, components.dense.service).entries()) == 2
    drop_all(path, components)


def test_a_lost_collection_is_filled_anew_by_a_writer(tmp_path, components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components) as kb:
        kb.add(documents(20))
    drop_all(path, components)
    with pytest.raises(StoreCorrupt, match="gone"):
        KnowledgeBase.open(path, components=components, read_only=True)
    with KnowledgeBase.open(path, components=components) as kb:
        assert ids(kb.search(documents(20)[7].text, k=1)) == ["d7"]
        assert components.dense.service.count(sealed(kb).name) == 20
    drop_all(path, components)


def test_lost_rows_are_filled_anew_by_a_writer(tmp_path, components):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, components=components) as kb:
        kb.add(documents(20))
    name = CollectionJournal(path, VECTORS, components.dense.service).entries()[-1].name
    pymilvus.MilvusClient(uri=components.dense.service.uri).delete(name, filter="id < 4")
    with KnowledgeBase.open(path, components=components) as kb:
        assert components.dense.service.count(sealed(kb).name) == 20
        assert sealed(kb).name != name
    drop_all(path, components)


def test_a_copy_has_collections_of_its_own(tmp_path, components):
    path, copy = tmp_path / "kb", tmp_path / "copy"
    with KnowledgeBase.open(path, components=components) as kb:
        kb.add(documents(20))
    shutil.copytree(path, copy)
    with KnowledgeBase.open(copy, components=components) as kb:
        kb.add(documents(25))
    with KnowledgeBase.open(copy, components=components) as kb:
        kb.compact()
    with KnowledgeBase.open(path, components=components, read_only=True) as kb:
        assert ids(kb.search(documents(20)[7].text, k=1)) == ["d7"]
    drop_all(path, components)
    drop_all(copy, components)


def test_words_on_the_server_too(tmp_path, milvus_lite, quick_components, monkeypatch):
    service = MilvusService(MilvusSettings(uri=milvus_lite, prefix="both"))
    parts = dataclasses.replace(
        quick_components,
        dense=MilvusIndexFactory(service=service),
        lexical=MilvusLexicalFactory(service=service),
    )
    found = []
    for name, components in (("served", parts), ("local", quick_components)):
        path = tmp_path / name
        with KnowledgeBase.open(path, components=components) as kb:
            kb.add([*documents(40), *RULES])
        with KnowledgeBase.open(path, components=components) as kb:
            kb.delete(["d3"])
            kb.add([Document(id="late", text="Die Leiter steht neben der Kiste 12.")])
            found.append(
                [
                    [(hit.chunk.document_id, hit.score) for hit in kb.search(question, where=where)]
                    for question in ("Kiste 12", "Regal", "Pumpe X-200", "garantie facture")
                    for where in (None, Equals("shelf", 5))
                ]
            )
            kb.compact()
            kb.compact()
    assert found[0] == found[1]
    ours = [each for each in collections(service) if each.startswith("both_")]
    assert len(ours) == 4  # two of vectors, two of words
    for each in ours:
        service.drop(each)
    service.close()


WRITER = """
import dataclasses, sys
from pathlib import Path
from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
from rag_engine.connectors.milvus.service import MilvusService
from rag_engine import KnowledgeBase
from rag_engine.settings import MilvusSettings
from tests.conftest import components_with
from tests.doubles import HashEmbedder
from tests.test_milvus_kb import documents

path, uri, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
service = MilvusService(MilvusSettings(uri=uri, prefix="kills"))
parts = dataclasses.replace(
    components_with(HashEmbedder()), dense=MilvusIndexFactory(service=service)
)
kb = KnowledgeBase.open(path, components=parts)
print("open", flush=True)
for number in range(first, first + 1000):
    kb.add([documents(number + 1)[number]])
    print(f"added {number}", flush=True)
    if number % 5 == 4:
        kb.publish()
        print(f"published {number}", flush=True)
"""


def test_killed_at_any_moment_nothing_is_lost(tmp_path, milvus_server, quick_components):
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    path = tmp_path / "kb"
    service = MilvusService(MilvusSettings(uri=milvus_server, prefix="kills"))
    parts = dataclasses.replace(quick_components, dense=MilvusIndexFactory(service=service))
    acknowledged = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), milvus_server, str(acknowledged)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            time.sleep(chance.uniform(0, 8))
            writer.send_signal(signal.SIGKILL)
            said = writer.stdout.read().split("\n")[:-1]
        added = [int(line.split()[1]) for line in said if line.startswith("added")]
        acknowledged = max([acknowledged, *(number + 1 for number in added)])
        with KnowledgeBase.open(path, components=parts) as kb:
            there = set(kb.document_ids())
            assert {f"d{number}" for number in range(acknowledged)} <= there
            kb.publish()
            dense = sealed(kb)
            assert service.count(dense.name) == len(dense) == len(there)
            stored = service.vectors(dense.name, dense._ids.tolist())
            assert stored.keys() == set(dense._ids.tolist())
            acknowledged = len(there)  # one may have been written and not yet told
        # Only what is searched, and what was searched before, is left on the server.
        entries = {entry.name for entry in CollectionJournal(path, VECTORS, service).entries()}
        ours = {name for name in collections(service) if name.startswith("kills_")}
        assert ours <= entries
        assert len(entries) <= 2
    drop_all(path, parts)


def test_migrated_there_and_back(tmp_path, milvus_server, capsys):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path) as kb:
        kb.add([*documents(40), *RULES])
    target = milvus_server.replace("http", "milvus")
    assert main(["migrate", "--from", str(path), "--to", target]) == 0
    assert f"44 chunks in milvus {milvus_server}" in capsys.readouterr().out
    with KnowledgeBase.open(path) as kb:  # the settings were kept
        assert kb.settings.dense.kind == "milvus"
        assert kb.inspect().dense == f"milvus {milvus_server}"
        moved = sealed(kb).name
        assert ids(kb.search("Wie oft braucht die Pumpe eine Dichtung?", k=1)) == ["pump"]
    assert main(["migrate", "--from", str(path), "--to", "local"]) == 0
    with KnowledgeBase.open(path) as kb:
        assert kb.settings.dense.kind == "auto"
    assert main(["migrate", "--from", str(path), "--to", "mysql://x"]) == 1
    there = pymilvus.MilvusClient(uri=milvus_server).list_collections()
    assert moved not in there


def test_one_line_of_the_settings(tmp_path, milvus_server):
    settings = Settings(dense=MilvusDenseSettings(), milvus=MilvusSettings(uri=milvus_server))
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, settings=settings) as kb:
        kb.add(RULES)
        assert ids(kb.search("Wie oft braucht die Pumpe eine Dichtung?", k=1)) == ["pump"]
    CollectionJournal(path, VECTORS, MilvusService(settings.milvus)).clear()
