"""Files become documents: ``KnowledgeBase.add_files`` and ``add_file``."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_engine import AddReport, Document, KnowledgeBase, Note, Problem, Span, files, ingest
from rag_engine.errors import (
    InvalidInput,
    LoadError,
    LoadSkipped,
    MissingExtra,
    StoreClosed,
    StoreReadOnly,
)
from tests.doubles import HashEmbedder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "handbook"
    (home / "rules").mkdir(parents=True)
    (home / "pump.txt").write_text("Die Dichtung wird jedes Jahr ersetzt.", encoding="utf-8")
    (home / "rules" / "garantie.txt").write_text("La garantie dure trois ans.", encoding="utf-8")
    (home / "parts.csv").write_text("id,text\nA1,水泵的密封圈\nA2,过滤器滤芯\n", encoding="utf-8")
    return home


@pytest.fixture
def kb(tmp_path: Path, quick_components) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as opened:
        yield opened


IDS = ["handbook/parts.csv#A1", "handbook/parts.csv#A2", "handbook/pump.txt"]
GARANTIE = "handbook/rules/garantie.txt"


def sources(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.source for problem in problems]


class Subtitles:
    """A loader with an ending of its own; its documents do not say which file they are from."""

    suffixes = frozenset({".sub"})

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            yield Document(id=f"{source}#{number}", text=line)


class Shouting:
    """Reads texts otherwise than the built-in loader does."""

    suffixes = frozenset({".txt"})

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        yield Document(id=source, text=path.read_text(encoding="utf-8").upper(), source=source)


class Failing:
    """Yields a document, then fails with what it was given."""

    suffixes = frozenset({".sub"})

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        yield Document(id=source, text="half of it", source=source)
        raise self.error


# a folder, a file


def test_a_folder_by_its_name(kb: KnowledgeBase, folder: Path):
    report = kb.add_files(folder)
    assert report == AddReport(added=4, chunks=4, files=3)
    assert kb.document_ids() == [*IDS, GARANTIE]
    assert kb.inspect().published
    assert kb.search("La garantie dure trois ans.", k=1)[0].source == GARANTIE
    assert kb.add_files(str(folder)) == AddReport(files=3, unchanged_files=3)


def test_a_file_and_a_prefix(kb: KnowledgeBase, folder: Path):
    assert kb.add_files(folder / "pump.txt") == AddReport(added=1, chunks=1, files=1)
    assert kb.add_files(folder).unchanged_files == 1  # it has the same name there
    kb.add_files(folder / "pump.txt", prefix="")
    kb.add_files(folder, prefix="/two/")
    assert {"pump.txt", "two/pump.txt", "two/rules/garantie.txt"} <= set(kb.document_ids())


def test_a_changed_file_replaces_its_documents(kb: KnowledgeBase, folder: Path):
    kb.add_files(folder)
    (folder / "pump.txt").write_text("Alles neu.", encoding="utf-8")
    (folder / "parts.csv").write_text("id,text\nA1,水泵的密封圈\n", encoding="utf-8")
    report = kb.add_files(folder)
    assert report == AddReport(
        updated=1, unchanged=1, deleted=1, chunks=1, files=3, unchanged_files=1
    )
    assert kb.document_ids() == [IDS[0], IDS[2], GARANTIE]
    document = kb.document(IDS[2])
    assert document is not None
    assert document.text == "Alles neu."


def test_what_was_indexed_by_an_earlier_version_is_not_read_again(kb: KnowledgeBase, folder: Path):
    kb.add_files(folder)
    digest = hashlib.sha256((folder / "pump.txt").read_bytes()).hexdigest()
    settings = kb.settings.loaders.model_dump_json()
    expected = hashlib.sha256(f"{settings}\0{digest}".encode()).digest()
    assert kb.sources()["handbook/pump.txt"] == expected


def test_a_file_under_any_name(kb: KnowledgeBase, folder: Path):
    report = kb.add_file(folder / "pump.txt", source="manuals/de/pump")
    assert report == AddReport(added=1, chunks=1, files=1)
    assert kb.add_file(str(folder / "pump.txt"), source="manuals/de/pump").unchanged_files == 1
    assert kb.document_ids() == ["manuals/de/pump"]
    assert not kb.inspect().published
    other = folder.parent / "manuals"
    other.mkdir()
    kb.add_files(other)  # nobody else has that prefix
    (folder / "song.mp3").write_bytes(b"ID3")
    assert sources(kb.add_file(folder / "song.mp3", source="song").problems) == ["song"]
    with pytest.raises(InvalidInput, match="is no file"):
        kb.add_file(folder, source="x")
    with pytest.raises(InvalidInput, match="source is the name"):
        kb.add_file(folder / "pump.txt", source="")


def test_documents_of_many_files_are_embedded_together(tmp_path: Path, folder: Path):
    calls: list[int] = []

    class Counting(HashEmbedder):
        def embed_passages(self, texts):
            calls.append(len(texts))
            return super().embed_passages(texts)

    with KnowledgeBase.open(tmp_path / "own", embedder=Counting()) as kb:
        calls.clear()
        kb.add_files(folder)
        assert calls == [4]
        calls.clear()
        kb.add_files(folder)
        kb.add([kb.document(IDS[0])])
        assert calls == []


def test_who_may_not(tmp_path: Path, folder: Path, quick_components):
    path = tmp_path / "kb"
    kb = KnowledgeBase.open(path, components=quick_components)
    with pytest.raises(InvalidInput, match=r"nowhere does not exist"):
        kb.add_files(tmp_path / "nowhere")
    kb.close()
    for call in (
        lambda: kb.add_files(folder),
        lambda: kb.add_file(folder / "pump.txt", source="x"),
        lambda: kb.file_suffixes,
    ):
        with pytest.raises(StoreClosed):
            call()
    with KnowledgeBase.open(path, components=quick_components, read_only=True) as reader:
        assert ".pdf" in reader.file_suffixes
        with pytest.raises(StoreReadOnly):
            reader.add_files(folder)
        with pytest.raises(StoreReadOnly):
            reader.add_file(folder / "pump.txt", source="x")


def test_the_knowledge_base_itself_and_hidden_files_are_left_out(
    tmp_path: Path, folder: Path, quick_components
):
    (folder / ".hidden.txt").write_text("nobody", encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("nobody", encoding="utf-8")
    with KnowledgeBase.open(folder / "kb", components=quick_components) as kb:
        assert kb.add_files(folder).files == 3


# sync


def test_sync_drops_what_is_gone_under_the_prefix_alone(kb: KnowledgeBase, folder: Path):
    kb.add_files(folder)
    kb.add_files(folder, prefix="handbook-2")
    kb.add([Document(id="note", text="Ein Zettel.")])
    (folder / "pump.txt").unlink()
    (folder / "parts.csv").unlink()
    assert kb.add_files(folder) == AddReport(files=1, unchanged_files=1)
    report = kb.add_files(folder, sync=True)
    assert report == AddReport(deleted=3, files=1, unchanged_files=1)
    twos = [name for name in kb.document_ids() if name.startswith("handbook-2/")]
    assert kb.document_ids() == sorted([GARANTIE, *twos, "note"])
    assert len(twos) == 4
    assert "handbook/pump.txt" not in kb.sources()


def test_sync_needs_a_folder_of_its_own(kb: KnowledgeBase, folder: Path, tmp_path: Path):
    kb.add_files(folder)
    with pytest.raises(InvalidInput, match=r"name a folder and no empty prefix .*pump\.txt"):
        kb.add_files(folder / "pump.txt", sync=True)
    with pytest.raises(InvalidInput, match="and ''"):
        kb.add_files(folder, sync=True, prefix="/")
    other = tmp_path / "elsewhere" / "handbook"
    other.mkdir(parents=True)
    with pytest.raises(InvalidInput, match=r"names under 'handbook' come from .*another prefix"):
        kb.add_files(other, sync=True)
    assert kb.add_files(other, sync=True, prefix="two") == AddReport()
    assert len(kb.document_ids()) == 4
    # On purpose: it was moved, and is empty.
    kb.add_files(other, sync=True, prefix="handbook", allow_empty=True)
    assert kb.document_ids() == []


# problems


def test_a_bad_file_never_stops_the_others_and_is_told_every_time(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
):
    (tmp_path / "secret.txt").write_text("nobody", encoding="utf-8")
    (folder / "aa_link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "ab_gone.txt").symlink_to(folder / "nowhere.txt")
    (folder / "ac_folder").symlink_to(tmp_path)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (folder / "empty.txt").write_text(" \n", encoding="utf-8")
    (folder / "nothing.csv").write_text("id,text\n", encoding="utf-8")
    (folder / "song.mp3").write_bytes(b"ID3")
    (folder / "rows.jsonl").write_text('{"text": "gut"}\n{"text": \n', encoding="utf-8")
    (folder / "twice.csv").write_text("id,text\n1,eins\n1,zwei\n", encoding="utf-8")
    for first in (True, False):
        report = kb.add_files(folder)
        assert (report.added, report.unchanged) == ((6, 0) if first else (0, 2))
        assert report.files == 9
        assert report.unchanged_files == (0 if first else 3)
        assert sources(report.skipped) == ["handbook/song.mp3"]
        assert "no loader reads .mp3" in report.skipped[0].reason
        told = {problem.source.split("#")[0]: problem.reason for problem in report.problems}
        assert list(told) == [
            "handbook/aa_link.txt",
            "handbook/ab_gone.txt",
            "handbook/ac_folder",
            "handbook/broken.pdf",
            "handbook/empty.txt",
            "handbook/nothing.csv",
            "handbook/rows.jsonl",
            "handbook/twice.csv",
        ]
        for link in ("handbook/aa_link.txt", "handbook/ac_folder"):
            assert "leads out of the folder" in told[link]
        assert "no text" in told["handbook/empty.txt"]
        assert "twice" in told["handbook/twice.csv"]
    assert len(kb.document_ids()) == 6


def test_a_link_that_stays_in_the_folder_is_followed(kb: KnowledgeBase, folder: Path):
    (folder / "link.txt").symlink_to("rules/garantie.txt")
    assert kb.add_files(folder).problems == ()
    assert kb.document("handbook/link.txt").text == kb.document(GARANTIE).text


def test_a_bad_version_of_a_file_keeps_the_good_one(kb: KnowledgeBase, folder: Path):
    rows = folder / "rows.jsonl"
    rows.write_text('{"text": "gut"}\n', encoding="utf-8")
    kb.add_files(folder)
    rows.write_text('{"text": \n', encoding="utf-8")
    assert sources(kb.add_files(folder).problems)[0].startswith("handbook/rows.jsonl")
    assert len(kb.document_ids()) == 5
    rows.write_text("\n", encoding="utf-8")
    (folder / "pump.txt").write_text("\n", encoding="utf-8")
    report = kb.add_files(folder)
    assert sources(report.problems) == ["handbook/pump.txt", "handbook/rows.jsonl"]
    assert report.deleted == 2
    assert kb.document_ids() == [*IDS[:2], GARANTIE]


# interrupted


def test_a_file_left_half_way_is_read_again(kb: KnowledgeBase, folder: Path, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_DOCUMENTS", 2)
    table = folder / "prices.csv"
    versions = {
        price: "id,text\n" + "".join(f"{n},pump {n} costs {price} euros\n" for n in range(6))
        for price in (10, 99)
    }
    table.write_text(versions[10], encoding="utf-8")
    kb.add_files(folder)
    finished = kb.sources()["handbook/prices.csv"]
    table.write_text(versions[99], encoding="utf-8")
    batches: list[int] = []

    def interrupted(batch, store, *more):
        batches.append(len(batch))
        if len(batches) == 2:
            raise KeyboardInterrupt
        return ingest.add_batch(batch, store, *more)

    with monkeypatch.context() as patched:
        patched.setattr(files, "add_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kb.add_files(folder)
    assert batches == [2, 2]
    assert kb.sources()["handbook/prices.csv"] == b"" != finished
    table.write_text(versions[10], encoding="utf-8")
    assert kb.add_files(folder) == AddReport(
        updated=2, unchanged=4, chunks=2, files=4, unchanged_files=3
    )
    texts = [kb.document(name).text for name in kb.document_ids() if "prices" in name]
    assert len(texts) == 6
    assert all("costs 10 euros" in text for text in texts)
    assert kb.sources()["handbook/prices.csv"] == finished
    table.write_text(versions[99], encoding="utf-8")
    batches.clear()
    with monkeypatch.context() as patched:
        patched.setattr(files, "add_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kb.add_files(folder)
    table.unlink()
    kb.add_files(folder, sync=True)
    assert not [name for name in kb.document_ids() if "prices" in name]


def test_an_interrupted_run_goes_on_where_it_stopped(kb: KnowledgeBase, folder: Path, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_DOCUMENTS", 1)

    def stop(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kb.add_files(folder, on_progress=stop)
    assert kb.document_ids() == IDS[:3]  # what was told to be done
    assert kb.add_files(folder) == AddReport(added=1, chunks=1, files=3, unchanged_files=2)


# progress


@pytest.mark.parametrize("batch", [1, 100])
def test_progress_is_told_in_files_and_then_in_passages(
    kb: KnowledgeBase, folder: Path, monkeypatch, batch: int
):
    monkeypatch.setattr(ingest, "BATCH_DOCUMENTS", batch)
    told: list[tuple[str, int, int]] = []
    written: list[int] = []

    def note(stage: str, done: int, total: int) -> None:
        told.append((stage, done, total))
        written.append(sum(map(bool, kb.sources().values())))

    kb.add_files(folder, on_progress=note)
    indexing = [values for values in told if values[0] == files.INDEXING]
    done = [values[1] for values in indexing]
    assert (done[0], done[-1]) == (0, 3)
    assert done == sorted(done)
    # What is told to be done is in the catalogue, not only read.
    assert all(count <= there for count, there in zip(done, written, strict=False))
    assert told[: len(indexing)] == indexing
    assert ("indexing words", 4, 4) in told[len(indexing) :]
    told.clear()
    kb.add_files(folder, on_progress=note)
    assert set(told) == {("indexing files", count, 3) for count in range(4)}  # nothing to publish


# own loaders


def test_a_loader_of_ones_own_reads_an_ending_of_its_own(
    tmp_path: Path, folder: Path, quick_components
):
    film = folder / "film.sub"
    film.write_text("Erste Zeile.\nZweite Zeile.\n", encoding="utf-8")
    with KnowledgeBase.open(
        tmp_path / "kb", components=quick_components, loaders=[Subtitles()]
    ) as kb:
        assert kb.file_suffixes >= {".sub", ".txt", ".pdf"}
        assert kb.add_files(folder) == AddReport(added=6, chunks=6, files=4)
        assert kb.add_files(folder).unchanged_files == 4
        film.write_text("Erste Zeile.\n", encoding="utf-8")
        assert kb.add_files(folder).deleted == 1  # though it does not say whose its documents are
        film.unlink()
        assert kb.add_files(folder, sync=True).deleted == 1
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        film.write_text("Erste Zeile.\n", encoding="utf-8")
        assert sources(kb.add_files(folder).skipped) == ["handbook/film.sub"]
        assert kb.add_files(folder, loaders=[Subtitles()]).added == 1


def test_a_loader_of_ones_own_stands_before_the_built_in_one(kb: KnowledgeBase, folder: Path):
    kb.add_files(folder)
    report = kb.add_files(folder, loaders=[Shouting()])
    assert (report.updated, report.unchanged_files) == (2, 1)
    document = kb.document("handbook/pump.txt")
    assert document is not None
    assert document.text == "DIE DICHTUNG WIRD JEDES JAHR ERSETZT."
    assert kb.add_files(folder, loaders=[Shouting()]).unchanged_files == 3
    newer = Shouting()
    newer.version = "2"
    report = kb.add_files(folder, loaders=[newer])
    assert (report.unchanged, report.unchanged_files) == (2, 1)  # read again, found the same
    assert kb.add_files(folder).updated == 2


class Scans:
    """Reads pages one after the other, and says how."""

    suffixes = frozenset({".scan"})

    def load(self, path, source):
        for page in (1, 2):
            yield Note(source=source, text=f"page {page} was read", done=page, total=2)
        if text := path.read_text(encoding="utf-8"):
            yield Document(id=source, text=text)


def test_notes_are_told_and_tell_how_far_a_file_is(kb: KnowledgeBase, folder: Path):
    (folder / "a.scan").write_text("Die Pumpe läuft.", encoding="utf-8")
    (folder / "b.scan").write_text("", encoding="utf-8")
    stages: list[tuple[str, int, int]] = []
    report = kb.add_files(folder, loaders=[Scans()], on_progress=lambda *told: stages.append(told))
    assert [note.text for note in report.notes] == ["page 1 was read", "page 2 was read"] * 2
    for name in ("a", "b"):
        pages = [stage for stage in stages if stage[0] == f"reading handbook/{name}.scan"]
        assert [pages[0][1:], pages[1][1:]] == [(1, 2), (2, 2)]
    assert report.problems == ()  # of a file with notes alone it is known that it holds no text
    again = kb.add_files(folder, loaders=[Scans()])
    assert (again.unchanged_files, again.notes) == (5, ())


class Uninstalled:
    suffixes = frozenset({".scan"})

    def load(self, path, source):
        raise LoadSkipped(f"{source}: it needs a scanner")
        yield


def test_what_is_not_installed_skips_a_file_and_keeps_what_it_gave(kb, folder: Path):
    (folder / "a.scan").write_text("Die Pumpe läuft.", encoding="utf-8")
    kb.add_files(folder, loaders=[Scans()])
    (folder / "a.scan").write_text("Die Pumpe steht.", encoding="utf-8")
    report = kb.add_files(folder, loaders=[Uninstalled()])
    assert report.problems == ()
    assert report.skipped == (Problem(source="handbook/a.scan", reason="it needs a scanner"),)
    assert kb.document("handbook/a.scan").text == "Die Pumpe läuft."


def test_loaders_may_come_with_the_components(tmp_path: Path, folder: Path, quick_components):
    components = dataclasses.replace(quick_components, loaders=(Shouting(),))
    with KnowledgeBase.open(tmp_path / "kb", components=components) as kb:
        assert kb.file_suffixes == {".txt"}
        assert sources(kb.add_files(folder).skipped) == ["handbook/parts.csv"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LoadError("handbook/film.sub: line 3 is no line"), "line 3 is no line"),
        (ValueError("no"), "its loader failed: ValueError: no"),
    ],
)
def test_a_loader_that_fails_stops_nothing(kb: KnowledgeBase, folder: Path, error, reason):
    (folder / "film.sub").write_text("x", encoding="utf-8")
    for _ in range(2):
        report = kb.add_files(folder, loaders=[Failing(error)])
        assert report.problems == (Problem(source="handbook/film.sub", reason=reason),)
    assert report.unchanged_files == 3


def test_a_loader_whose_package_is_missing_stops_all(kb: KnowledgeBase, folder: Path):
    (folder / "film.sub").write_text("x", encoding="utf-8")
    with pytest.raises(MissingExtra):
        kb.add_files(folder, loaders=[Failing(MissingExtra("films", package="pysrt"))])


def test_what_a_loader_must_give(kb: KnowledgeBase, folder: Path):
    class Texts(Subtitles):
        def load(self, path, source):
            yield "a text"

    (folder / "film.sub").write_text("x", encoding="utf-8")
    [problem] = kb.add_files(folder, loaders=[Texts()]).problems
    assert problem.reason == "Texts.load yields Document and Problem objects, got a str"


def chunk_languages(kb: KnowledgeBase) -> dict[str, str]:
    passages = kb.passages(kb.passage_ids())
    return {passage.chunk.document_id: passage.chunk.language for passage in passages}


def test_files_are_said_to_be_in_a_language(kb: KnowledgeBase, folder: Path):
    (folder / "list.txt").write_text("X-200 4711", encoding="utf-8")
    (folder / "page.html").write_text('<html lang="fr"><p>X-200 4712</p></html>', encoding="utf-8")
    kb.add_files(folder)
    found = chunk_languages(kb)
    assert (found["handbook/list.txt"], found["handbook/page.html"]) == ("und", "fr")
    report = kb.add_files(folder, language="nb")
    assert (report.unchanged_files, report.updated) == (0, 6)
    found = chunk_languages(kb)
    assert (found["handbook/list.txt"], found["handbook/page.html"]) == ("no", "no")
    assert found["handbook/pump.txt"] == "de"
    assert found["handbook/parts.csv#A1"] == "zh"
    assert kb.add_files(folder, language="no").unchanged_files == 5
    assert kb.add_files(folder).updated == 6


class OfParts:
    """A loader of files that say their parts are in Norwegian."""

    suffixes = frozenset({".part"})

    def load(self, path, source):
        text = path.read_text(encoding="utf-8")
        middle = len(text) // 2
        spans = (
            Span(start=0, end=middle, language="no"),
            Span(start=middle, end=len(text), section=("A",), language="no"),
        )
        yield Document(id=source, text=text, spans=spans)


def test_who_says_a_language_overrules_what_parts_say(kb: KnowledgeBase, folder: Path):
    (folder / "a.part").write_text("Priser og betaling", encoding="utf-8")
    for language, kept in ((None, "no"), ("da", None)):
        kb.add_files(folder, loaders=[OfParts()], language=language)
        document = kb.document("handbook/a.part")
        assert document.language_hint == language
        assert [span.language for span in document.spans] == [kept] * 2
        assert [span.section for span in document.spans] == [(), ("A",)]


def test_one_file_is_said_to_be_in_a_language(kb: KnowledgeBase, folder: Path):
    (folder / "list.txt").write_text("X-200 4711", encoding="utf-8")
    kb.add_file(folder / "list.txt", source="list.txt", language="sw")
    assert chunk_languages(kb) == {"list.txt": "sw"}
    kb.add_file(folder / "list.txt", source="list.txt", language="pl", encoding="cp1250")
    assert chunk_languages(kb) == {"list.txt": "pl"}


def test_one_file_is_said_to_be_in_an_encoding(kb: KnowledgeBase, folder: Path):
    (folder / "list.txt").write_bytes("Łódź, część 7".encode("cp1250"))
    kb.add_file(folder / "list.txt", source="list.txt", encoding="cp1250")
    assert kb.document("list.txt").text == "Łódź, część 7"
    with pytest.raises(InvalidInput, match="there is no text encoding 'rot13'"):
        kb.add_file(folder / "list.txt", source="list.txt", encoding="rot13")


@pytest.mark.parametrize("language", ["", "deutsch", "?", 7])
def test_what_is_no_language_is_refused(kb: KnowledgeBase, folder: Path, language):
    with pytest.raises(InvalidInput, match="a language is a code such as de"):
        kb.add_files(folder, language=language)
    assert kb.passage_ids() == []


def test_reports_add_up():
    values = {
        field.name: (f"{field.name}",) if str(field.type).startswith("tuple") else number
        for number, field in enumerate(dataclasses.fields(AddReport), 1)
    }
    report = AddReport(**values)
    total = report + report
    assert all(getattr(total, name) == value + value for name, value in values.items())
    assert eval(repr(total)) == total


class FromAnExtra:
    """A loader whose package is not installed, and one whose package is."""

    def __init__(self, suffix: str, module: str) -> None:
        self.suffixes = frozenset({suffix})
        self.needs_extra = ("scans", module)

    def load(self, path: Path, source: str) -> Iterator[Document | Problem]:
        yield Document(id=source, text=path.read_text(encoding="utf-8"))


def test_one_file_that_nothing_reads_is_a_problem(kb: KnowledgeBase, folder: Path):
    file = folder / "a.xyz"
    file.write_text("A text.", encoding="utf-8")
    loaders = [FromAnExtra(".aaa", "json"), FromAnExtra(".bbb", "no_such_module")]
    report = kb.add_files(file, prefix="p", loaders=loaders)
    assert (report.skipped, sources(report.problems)) == ((), ["p/a.xyz"])
    reason = report.problems[0].reason
    assert reason.startswith("no loader reads .xyz; read are .aaa .")
    assert "pip install 'rag-engine[scans]' adds .bbb;" in reason
    ready = reason.partition("; pip")[0].split(" are ")[1].split()
    assert set(ready) == {".aaa", *kb.file_suffixes}
    assert kb.add_file(file, source="p/a.xyz").problems[0].reason.startswith("no loader reads .xyz")


def test_such_a_file_of_a_folder_is_skipped(kb: KnowledgeBase, folder: Path):
    (folder / "a.xyz").write_text("A text.", encoding="utf-8")
    report = kb.add_files(folder)
    assert report.problems == ()
    assert report.skipped == (Problem(source="handbook/a.xyz", reason="no loader reads .xyz"),)


def test_a_long_document_on_one_line_tells_how_far_it_is(
    kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH_CHARACTERS", 20_000)
    monkeypatch.setattr(ingest, "_STEP_TEXTS", 10)
    line = " ".join(f"Die Pumpe {number} wird jedes Jahr gespült." for number in range(600))
    home = tmp_path / "texts"
    home.mkdir()
    (home / "long.txt").write_text(line, encoding="utf-8")
    (home / "short.txt").write_text("Die Pumpe läuft.", encoding="utf-8")
    stages: list[tuple[str, int, int]] = []
    kb.add_files(home, on_progress=lambda *told: stages.append(told))
    told = [stage for stage in stages if stage[0].startswith("embedding")]
    assert {stage for stage, _, _ in told} == {"embedding texts/long.txt"}
    [total] = {total for _, _, total in told}
    assert [done for _, done, _ in told] == list(range(0, total, 10))
    assert total > 10
