"""Another chunking for a knowledge base that is used; killed anywhere, nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.catching_up import COPYING
from rag_engine.components import Components
from rag_engine.errors import (
    ContractMismatch,
    InvalidInput,
    ModelError,
    SettingsError,
    StorageFailed,
    StoreClosed,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreReplaced,
)
from rag_engine.following import Following
from rag_engine.records import AddReport
from rag_engine.reembedding import PLACING, go_back, reembed
from rag_engine.store import exchange
from rag_engine.store.sibling_folders import before_of, exchange_of, next_of
from rag_engine.text.analysis import ANALYSER_VERSION
from tests.doubles import ColourImages, HashEmbedder
from tests.images.drawn import picture
from tests.kept_data import change_meta
from tests.reembed_cases import DOCUMENTS, NEW, OLD, CountingEmbedder, documents, opened, parts
from tests.waiting import wait_until

EXPECTED = {document.id: document for document in DOCUMENTS}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "kb"
    with KnowledgeBase.open(root, settings=OLD, components=parts) as kb:
        kb.add(DOCUMENTS)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "kb")


def chunking_of(root: Path) -> int:
    with opened(root) as kb:
        return kb.settings.chunking.max_tokens


def check_whole(root: Path, expected: dict[str, Document]) -> None:
    assert documents(root) == expected
    with opened(root, read_only=False) as kb:
        assert kb.check().problems == []
        assert kb.search("Pumpe 7")[0].chunk.document_id in expected


def test_the_new_one_takes_the_place_of_the_old_one(root: Path):
    chunks = opened(root).inspect().chunks
    report = reembed(root, NEW, parts)
    assert report.written == AddReport(added=30, chunks=report.chunks)
    assert report.chunks > chunks
    assert report.differing == {"chunking.max_tokens": (256, 40)}
    assert (report.in_place, report.beside) == (True, before_of(root))
    assert chunking_of(root) == 40
    assert chunking_of(before_of(root)) == 256
    check_whole(root, EXPECTED)
    check_whole(before_of(root), EXPECTED)
    assert not next_of(root).exists()
    assert not exchange_of(root).exists()
    again = reembed(root, NEW, parts)
    assert (again.in_place, again.written) == (True, AddReport())


def test_files_are_not_read_again(tmp_path: Path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(DOCUMENTS[number].text, encoding="utf-8")
    root = tmp_path / "kb"
    with KnowledgeBase.open(root, components=parts) as kb:
        kb.add_files(folder)
    with KnowledgeBase.open(root, components=parts) as kb:
        (folder / "2.txt").unlink()
        kb.add_files(folder, sync=True)
        sources = kb.sources()
    reembed(root, NEW, parts, flip=False)
    reembed(root, NEW, parts)
    with opened(root, read_only=False) as kb:
        assert kb.sources() == sources
        report = kb.add_files(folder, sync=True)
        assert (report.unchanged_files, report.chunks, report.deleted) == (2, 0, 0)
        other = tmp_path / "other" / "docs"
        other.mkdir(parents=True)
        (other / "0.txt").write_text("Etwas anderes.", encoding="utf-8")
        with pytest.raises(InvalidInput, match="docs"):  # the prefix is still the first folder's
            kb.add_files(other)


def test_what_is_written_meanwhile_comes_too(root: Path):
    expected = dict(EXPECTED)
    writer = opened(root, read_only=False)
    embedder = CountingEmbedder()
    done = []

    def write(stage: str, place: int, total: int) -> None:
        if stage == COPYING and not done:
            done.append(place)
            changed = replace(DOCUMENTS[0], text="Diese Seite ist nun eine andere.", spans=())
            added = replace(DOCUMENTS[1], id="added")
            writer.add([changed, added])
            writer.delete([DOCUMENTS[5].id])
            expected.update({changed.id: changed, added.id: added})
            del expected[DOCUMENTS[5].id]

    with pytest.raises(StoreLocked, match=rf"process {os.getpid()} \(.*python.*\).*end it"):
        reembed(root, NEW, lambda settings: parts(settings, embedder), on_stage=write)
    assert done == [0]
    assert chunking_of(root) == 256
    assert documents(next_of(root)) == expected
    writer.add([replace(DOCUMENTS[2], text="Kurz.", spans=())])
    expected[DOCUMENTS[2].id] = replace(DOCUMENTS[2], text="Kurz.", spans=())
    writer.close()
    embedder.passages = 0
    report = reembed(root, NEW, lambda settings: parts(settings, embedder))
    assert report.written == AddReport(updated=1, chunks=1)
    assert embedder.passages == 1
    check_whole(root, expected)


def test_what_was_done_costs_nothing_again(root: Path):
    first = reembed(root, NEW, parts, flip=False)
    assert (first.in_place, first.beside) == (False, next_of(root))
    assert chunking_of(root) == 256
    embedder = CountingEmbedder()
    report = reembed(root, None, lambda settings: parts(settings, embedder))
    assert embedder.passages == 0
    assert (report.in_place, report.written) == (True, AddReport())
    check_whole(root, EXPECTED)


def test_a_judgement_keeps_the_old_one_in_place(root: Path):
    def judge(old: KnowledgeBase, new: KnowledgeBase, _: object) -> bool:
        assert [kb.settings.chunking.max_tokens for kb in (old, new)] == [256, 40]
        assert old.document_ids() == new.document_ids()
        assert new.search("Pumpe 3", k=1)
        return False

    assert not reembed(root, NEW, parts, judge=judge).in_place
    assert chunking_of(root) == 256


def killed(root: Path, action: str, stage: str, number: int, how: str = "exchange") -> None:
    words = [root, action, stage, number, how]
    command = [sys.executable, "-m", "tests.reembed_cases", *map(str, words)]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize("how", ["exchange", "renames"])
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_killed_while_folders_change_places(root: Path, step: int, how: str):
    reembed(root, NEW, parts, flip=False)
    killed(root, "reembed", PLACING, step, how)
    if (step, how) == (3, "renames"):
        with pytest.raises(StoreNotFound, match="rag-engine reembed"):
            KnowledgeBase.open(root, components=parts)
        assert not root.exists()
    else:
        assert documents(root) == EXPECTED
    report = reembed(root, NEW, parts)
    assert (report.in_place, report.beside) == (True, before_of(root))
    assert (chunking_of(root), chunking_of(before_of(root))) == (40, 256)
    check_whole(root, EXPECTED)
    assert sorted(path.name for path in root.parent.iterdir()) == ["kb", "kb.before"]


@pytest.mark.parametrize("stage", [COPYING, "reading"])
def test_killed_while_it_is_filled(root: Path, stage: str):
    stages: list[str] = []
    killed(root, "reembed", stage, 1)
    assert chunking_of(root) == 256
    report = reembed(root, NEW, parts, on_stage=lambda name, *_: stages.append(name))
    assert PLACING in stages
    assert report.in_place
    check_whole(root, EXPECTED)


@pytest.mark.parametrize(("step", "how"), [(2, "exchange"), (3, "exchange"), (3, "renames")])
def test_killed_on_the_way_back(root: Path, step: int, how: str):
    reembed(root, NEW, parts)
    killed(root, "back", PLACING, step, how)
    report = go_back(root, parts)
    assert (report.in_place, report.beside) == (True, next_of(root))
    assert (chunking_of(root), chunking_of(next_of(root))) == (256, 40)
    check_whole(root, EXPECTED)


def changed_since(root: Path) -> dict[str, Document]:
    """Add, replace and delete something; return what there is afterwards."""
    added = Document(id="später", text="Dazu gekommen.")
    other = replace(DOCUMENTS[3], text="Anders.", spans=())
    with opened(root, read_only=False) as kb:
        kb.add([added, other])
        kb.delete([DOCUMENTS[4].id])
    expected = {**EXPECTED, added.id: added, other.id: other}
    del expected[DOCUMENTS[4].id]
    return expected


def test_back_brings_along_what_came_since_and_forward_again(root: Path):
    reembed(root, NEW, parts)
    expected = changed_since(root)
    report = go_back(root, parts)
    assert report.written == AddReport(added=1, updated=1, deleted=1, chunks=2)
    assert (chunking_of(root), chunking_of(next_of(root))) == (256, 40)
    check_whole(root, expected)
    with pytest.raises(StoreNotFound, match="nothing to go back to"):
        go_back(root, parts)
    assert reembed(root, NEW, parts).written == AddReport()
    assert chunking_of(root) == 40
    check_whole(root, expected)


def test_back_without_what_came_since_needs_no_model(root: Path):
    reembed(root, NEW, parts)
    expected = changed_since(root)

    def none(_: Settings) -> Components:
        raise AssertionError("no model is wanted")

    report = go_back(root, none, lose_newer=True)
    assert report.written == AddReport(added=1, updated=1, deleted=1, unchanged=28)
    check_whole(root, EXPECTED)
    assert documents(next_of(root)) == expected


def test_whoever_reads_is_told_to_open_it_again(root: Path):
    with opened(root) as reader:
        assert reader.search("Pumpe 7")
        reembed(root, NEW, parts)
        with pytest.raises(StoreReplaced, match="open the knowledge base again"):
            reader.search("Pumpe 7")


def test_what_can_not_be_done_is_refused_before_it_costs_anything(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(InvalidInput, match="nothing is to be embedded anew"):
        reembed(root, OLD, parts)
    with pytest.raises(InvalidInput, match="--settings"):
        reembed(root, None, parts)
    with pytest.raises(StoreNotFound, match="no knowledge base at"):
        reembed(tmp_path / "none", NEW, parts)
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: Path(path) == root)
        with pytest.raises(StoreError, match="mount point"):
            reembed(root, NEW, parts)
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(tmp_path)._replace(free=10)
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(StorageFailed, match=r"room for 0\.00 GB more") as refused:
            reembed(root, NEW, parts)
        assert refused.value.reason == "full"
    assert not next_of(root).exists()
    reembed(root, NEW, parts, flip=False)
    other = Settings.model_validate({"chunking": {"max_tokens": 80}})
    with pytest.raises(StoreError, match="begun with other settings"):
        reembed(root, other, parts)
    reembed(root, NEW, parts)
    with pytest.raises(StoreError, match=r"kb.before is there .*rm -r"):
        reembed(root, other, parts)


def test_folders_that_somebody_moved_are_left_alone(root: Path):
    reembed(root, NEW, parts, flip=False)
    killed(root, "reembed", PLACING, 3)
    before_of(root).mkdir()
    with pytest.raises(StoreError, match="are not those of then"):
        reembed(root, NEW, parts)
    before_of(root).rmdir()
    assert reembed(root, NEW, parts).in_place


def test_a_missing_folder_is_not_made_anew_beside_the_one_before(root: Path):
    reembed(root, NEW, parts)
    shutil.rmtree(root)
    with pytest.raises(StoreNotFound, match=r"mv .*kb.before"):
        KnowledgeBase.open(root, components=parts)
    assert not root.exists()


def with_colours(settings: Settings) -> Components:
    return replace(parts(settings), images=ColourImages(settings.images.model))


def test_pictures_come_along(tmp_path: Path):
    root = tmp_path / "kb"
    of_pictures = {"images": {"model": "colours 1"}}
    with KnowledgeBase.open(
        root, settings=Settings.model_validate(of_pictures), components=with_colours
    ) as kb:
        kb.add([*DOCUMENTS[:3], picture("red", "red"), picture("blue", "blue")])
        [name] = {kb.document("red").metadata["image_sha256"]}  # type: ignore[union-attr]
        thumbnail = kb.thumbnail(str(name))
        before = {name: kb.document(name) for name in kb.document_ids()}
        identity = kb._opened.pictures.store.identity  # type: ignore[union-attr]
    new = Settings.model_validate({**of_pictures, "chunking": {"max_tokens": 40}})
    for other in (NEW, Settings.model_validate({**new.model_dump(), "images": {"model": "2"}})):
        with pytest.raises(SettingsError, match=r"images.model = 'colours'|pictures"):
            reembed(root, other, with_colours if other.images.model else parts)
    reembed(root, new, with_colours)
    with KnowledgeBase.open(root, components=with_colours) as kb:
        assert {name: kb.document(name) for name in kb.document_ids()} == before
        assert kb.thumbnail(str(name)) == thumbnail
        assert kb._opened.pictures.store.identity == identity  # type: ignore[union-attr]
        assert kb.check().problems == []
        assert "red" in {hit.chunk.document_id for hit in kb.search("red")}


def test_another_model(root: Path):
    def wider(settings: Settings) -> Components:
        wide = settings.chunking.max_tokens == 40
        return parts(settings, HashEmbedder(64 if wide else 128))

    report = reembed(root, NEW, wider)
    assert report.differing["embedder.dimension"] == (128, 64)
    with KnowledgeBase.open(root, components=wider) as kb:
        assert kb.check().problems == []


def test_one_that_another_version_built_needs_no_settings(root: Path):
    change_meta(root, "contract", lambda text: text.replace(ANALYSER_VERSION, "2-snowball"))
    with pytest.raises(ContractMismatch, match="by another version"):
        opened(root)
    report = reembed(root, None, parts)
    assert report.differing == {"analyser": ("2-snowball", ANALYSER_VERSION)}
    check_whole(root, EXPECTED)


def test_renames_do_where_folders_can_not_be_swapped(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchange, "_EXCHANGE", 1 << 30)  # a flag that no system knows
    reembed(root, NEW, parts)
    assert (chunking_of(root), chunking_of(before_of(root))) == (40, 256)


def test_whoever_follows_asks_the_new_one(root: Path):
    reader = opened(root)
    with Following(reader, lambda: opened(root), every_s=0.01, patience_s=0.0) as following:
        assert following.now is reader
        reembed(root, NEW, parts)
        wait_until(lambda: following.now is not reader, "for the new one to be opened")
        assert following.now.settings.chunking.max_tokens == 40
        assert following.now.search("Pumpe 7")
        now = following.now
    with pytest.raises(StoreClosed):
        now.search("Pumpe 7")


def test_what_follows_and_can_not_open_it_says_so_once(
    root: Path, caplog: pytest.LogCaptureFixture
):
    tried: list[int] = []

    def reopen() -> KnowledgeBase:
        tried.append(1)
        return KnowledgeBase.open(root, settings=OLD, components=parts, read_only=True)

    with Following(opened(root), reopen, every_s=0.01):
        reembed(root, NEW, parts)
        wait_until(lambda: len(tried) > 2, "for it to be tried again")
    assert caplog.text.count("can not be opened") == 1


def test_what_can_not_be_taken_up_is_tried_again(root: Path):
    taken: list[KnowledgeBase] = []
    reader = opened(root)

    def take(kb: KnowledgeBase) -> None:
        taken.append(kb)
        if len(taken) < 3:
            raise ModelError("not now")

    with Following(reader, lambda: opened(root), take, every_s=0.01, patience_s=0.0) as following:
        reembed(root, NEW, parts)
        wait_until(lambda: following.now is not reader, "for the new one to be taken up")
        assert following.now is taken[2]
        for refused in taken[:2]:
            with pytest.raises(StoreClosed):
                refused.search("Pumpe 7")
