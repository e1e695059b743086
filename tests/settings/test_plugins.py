"""Parts of one's own by their names in the settings, and what must not be run."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors import plugins, wiring
from rag_engine.errors import SettingsError
from rag_engine.pipelines.cli import main
from rag_engine.settings import plugins as plugin_settings
from tests.doubles import HashEmbedder

MODULE = """
from pathlib import Path
import numpy as np
from rag_engine import Document
from tests.doubles import HashEmbedder

Path(__file__).with_suffix(".ran").touch()

class MyEmbedder(HashEmbedder):
    def __init__(self, *, size: int = 16) -> None:
        super().__init__(size)

class ByLength:
    name = "by length"
    def __init__(self, sign=1):
        self.sign = sign
    def score(self, question, passages):
        return np.array([self.sign * len(each) for each in passages], dtype=np.float32)

class Parrot:
    name, quotes = "parrot", False
    def __init__(self, text):
        if not isinstance(text, str):
            raise ValueError("text is no text")
        self.text = text
    def generate(self, prompt):
        yield self.text

class Shout:
    suffixes = frozenset({".shout"})
    def load(self, path, source):
        yield Document(id=source, text=path.read_text(encoding="utf-8").lower())

class Nothing:
    pass

number = 7
"""
TOML = """
[embedder]
kind = "own_parts_of_test:MyEmbedder"
options = { size = 24 }
[reranker]
kind = "own_parts_of_test:ByLength"
options = { sign = -1 }
pool = 5
[generator]
kind = "own_parts_of_test:Parrot"
options = { text = "So it is [1]." }
[answering]
min_score = 0
strictness = "eager"
[loaders]
extra = ["own_parts_of_test:Shout"]
"""
NAME = "own_parts_of_test"


@pytest.fixture
def module(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    path = folder / f"{NAME}.py"
    path.write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    yield path
    sys.modules.pop(NAME, None)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "rag.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def test_all_four_are_used_in_the_command(tmp_path: Path, module, toml, capsys):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.shout").write_text("THE PUMP NEEDS A SEAL.", encoding="utf-8")
    (texts / "b.txt").write_text("The pump needs a seal every year, says the book.", "utf-8")
    kb = ["--kb", str(tmp_path / "kb"), "--settings", str(toml)]
    assert main(["index", str(texts), *kb]) == 0
    assert main(["search", "pump", *kb]) == 0
    assert "the pump needs a seal" in capsys.readouterr().out
    assert main(["ask", "pump", *kb]) == 0
    assert "So it is" in capsys.readouterr().out
    with KnowledgeBase.open(tmp_path / "kb", settings=Settings.from_toml(toml)) as opened:
        assert opened.inspect().contract["embedder.dimension"] == 24
        first, second = opened.search("pump", k=2)
        assert len(first.chunk.text) < len(second.chunk.text)


def test_a_module_that_only_the_knowledge_base_names_is_not_imported(
    tmp_path: Path, module, toml, capsys
):
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, settings=Settings.from_toml(toml)):
        pass
    sys.modules.pop(NAME)
    mark = module.with_suffix(".ran")
    mark.unlink()
    for read_only in (True, False):
        with pytest.raises(SettingsError, match=r"embedder.*own settings name.*--settings"):
            KnowledgeBase.open(path, read_only=read_only)
    assert main(["search", "x", "--kb", str(path)]) == 1
    assert "own settings name" in capsys.readouterr().err
    with pytest.raises(SettingsError, match=r"generator.*own settings name"):
        KnowledgeBase.open(path, embedder=HashEmbedder(24))
    assert NAME not in sys.modules
    assert not mark.exists()


def test_neither_is_a_loader(tmp_path: Path, module):
    path = tmp_path / "kb"
    settings = Settings.model_validate({"loaders": {"extra": [f"{NAME}:Shout"]}})
    KnowledgeBase.open(path, settings=settings, embedder=HashEmbedder(16)).close()
    with KnowledgeBase.open(path, embedder=HashEmbedder(16)) as kb:  # to be searched it may
        assert kb.settings.loaders.extra[0].kind == f"{NAME}:Shout"
        with pytest.raises(SettingsError, match=r"loaders.*own settings name"):
            wiring.build_loaders(kb.settings.loaders)
        with pytest.raises(SettingsError, match=r"loaders.*own settings name"):
            wiring.build_loaders(kb.settings.of_kind("dense", "exact").loaders)
    assert not module.with_suffix(".ran").exists()
    assert wiring.build_loaders(settings.loaders)[0].suffixes == {".shout"}


@pytest.mark.parametrize(
    ("stage", "kind", "options", "told"),
    [
        (
            "embedder",
            "no_such_module_at_all:E",
            {},
            "no module 'no_such_module_at_all'.*PYTHONPATH",
        ),
        ("embedder", f"{NAME}:Missing", {}, "holds no 'Missing'; its classes are .*ByLength"),
        ("embedder", f"{NAME}:number", {}, "no class, but int"),
        ("embedder", f"{NAME}:MyEmbedder", {"sise": 3}, "unexpected keyword argument 'sise'.*size"),
        (
            "embedder",
            f"{NAME}:Nothing",
            {},
            "a Nothing is no Embedder, it has no method count_tokens",
        ),
        (
            "reranker",
            f"{NAME}:Nothing",
            {},
            "no Reranker, it has no method score, no attribute name",
        ),
        ("generator", f"{NAME}:Parrot", {}, "options: missing a required argument: 'text'"),
        ("generator", f"{NAME}:Parrot", {"text": 3}, "ValueError: text is no text"),
        (
            "generator",
            f"{NAME}:ByLength",
            {},
            "no Generator, it has no method generate, no attribute quotes",
        ),
        ("generator", "json:no.such", {}, "json holds no 'no.such'"),
    ],
)
def test_what_can_not_be_had_is_told(module, stage, kind, options, told):
    settings = Settings.model_validate({stage: {"kind": kind, "options": options}})
    with pytest.raises(SettingsError, match=f"{stage}: kind = '{kind}'.*{told}"):
        wiring.build_components(settings, embedder=None if stage == "embedder" else HashEmbedder(8))


def test_a_module_that_fails_is_told(module):
    for source, told in (("1 / 0", "ZeroDivisionError"), ("import no_such_thing", "no_such_thing")):
        module.write_text(source, encoding="utf-8")
        sys.modules.pop(NAME, None)
        settings = Settings.model_validate({"embedder": {"kind": f"{NAME}:E"}})
        with pytest.raises(SettingsError, match=f"{NAME} can not be imported: .*{told}"):
            wiring.build_embedder(settings.embedder)


def test_entry_points_are_named_simply(tmp_path: Path, module, monkeypatch):
    def entry_points(*, group: str, name: str | None = None) -> EntryPoints:
        there = EntryPoints(
            [
                EntryPoint("mine", f"{NAME}:MyEmbedder", "rag_engine.embedders"),
                EntryPoint("broken", f"{NAME}:Gone", "rag_engine.embedders"),
                EntryPoint("shout", f"{NAME}:Shout", "rag_engine.loaders"),
            ]
        )
        return there.select(group=group) if name is None else there.select(group=group, name=name)

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    monkeypatch.setattr(plugin_settings, "entry_points", entry_points)
    settings = Settings.model_validate(
        {
            "embedder": {"kind": "mine", "options": {"size": 8}},
            "loaders": {"extra": [{"kind": "shout"}]},
        }
    )
    path = tmp_path / "kb"
    with KnowledgeBase.open(path, settings=settings) as kb:
        kb.add([Document(id="a", text="b")])
    with KnowledgeBase.open(path) as kb:  # what is installed was chosen by who runs this
        assert kb.inspect().contract["embedder.dimension"] == 8
        assert wiring.build_loaders(kb.settings.loaders)[0].suffixes == {".shout"}
    broken = Settings.model_validate({"embedder": {"kind": "broken"}})
    with pytest.raises(SettingsError, match=r"rag_engine\.embedders can not be loaded: Attr"):
        wiring.build_embedder(broken.embedder)
    with pytest.raises(SettingsError, match=r"'bundled', .*embedders .'broken', 'mine'"):
        Settings.checked({"embedder": {"kind": "min"}}, origin="x")
    monkeypatch.undo()


@pytest.mark.parametrize("stage", ["embedder", "reranker", "generator"])
@pytest.mark.parametrize("kind", ["bundeld", "", "a b:C", "a:", ":b", "a:B()", "../x:Y", 3, None])
def test_a_kind_that_is_none_is_refused_with_those_that_are(stage, kind):
    known = [name for part in Settings.model_fields[stage].default.kinds() for name in part.names()]
    with pytest.raises(SettingsError) as caught:
        Settings.checked({stage: {"kind": kind}}, origin="x")
    assert all(repr(name) in str(caught.value) for name in known)
    assert f"rag_engine.{stage}s" in str(caught.value)


def test_a_service_takes_the_files_of_ones_own_loaders(tmp_path: Path, module, toml):
    pytest.importorskip("fastapi")
    from rag_engine.connectors.http.keys import DEFAULT_TENANT
    from rag_engine.pipelines.serve import ServeOptions, open_service

    path = tmp_path / "kb"
    settings = Settings.from_toml(toml)
    KnowledgeBase.open(path, settings=settings).close()
    with open_service(ServeOptions(kb=path, settings=settings)) as service:
        tenant = service.tenants.of(DEFAULT_TENANT)
        assert tenant is not None
        assert {".shout", ".pdf"} <= tenant.kb.file_suffixes
    with (
        pytest.raises(SettingsError, match="own settings name"),
        open_service(ServeOptions(kb=path)),
    ):
        pass


def test_a_service_for_reading_asks_for_no_loaders(tmp_path: Path, module, monkeypatch):
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from rag_engine.connectors.http.app import create_app
    from rag_engine.pipelines.serve import ServeOptions, open_service

    monkeypatch.setattr(wiring, "build_embedder", lambda settings: HashEmbedder(8))
    path = tmp_path / "kb"
    settings = Settings.model_validate({"loaders": {"extra": [f"{NAME}:Shout"]}})
    KnowledgeBase.open(path, settings=settings).close()
    with (
        pytest.raises(SettingsError, match="own settings name"),
        open_service(ServeOptions(kb=path)),
    ):
        pass
    with open_service(ServeOptions(kb=path, read_only=True)) as service:
        client = TestClient(create_app(service), base_url="http://localhost")
        reply = client.post("/v1/files", files={"files": ("a.shout", b"A")})
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "read_only")
        assert client.get("/v1/knowledge-base").status_code == 200
