"""Every command's help and every command's refusal, in a terminal of 80 columns or in none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rag_engine.filters import And, Equals, In, Or, in_languages
from rag_engine.pipelines.cli import app, main
from rag_engine.pipelines.cli.options import chosen_filter
from rag_engine.pipelines.cli.registration import Command
from rag_engine.pipelines.output import Exit

CHOICES = {
    "bench mteb": ("--variant", "plain", "raw", "corrected"),
    "bench peers": ("--peer", "langchain", "haystack", "txtai", "llamaindex"),
    "bench readers": ("--reader", "pypdf", "pymupdf", "markitdown", "kreuzberg", "docling"),
    "bench search": ("--index", "auto", "exact", "hnsw", "ivf-pq", "milvus"),
    "clusters": ("--method", "kmeans", "hdbscan"),
    "duplicates": ("--kind", "exact", "near", "translation"),
    "evaluate": ("--mode", "dense", "lexical", "hybrid", "rrf", "bm25"),
    "export": ("--to", "onnx", "openvino", "sentence-transformers"),
    "mine": ("--margin", "ratio", "distance"),
    "train embedder": ("--precision", "auto", "f32", "bf16"),
    "train reranker": ("--device", "auto", "cpu", "cuda"),
}


def walk(command, path: tuple[str, ...] = ()):
    """Yield the path of every command and every group of commands."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


ALL = list(walk(app))


def command_of(path: tuple[str, ...]):
    command = app
    for name in path:
        command = command.commands[name]
    return command.loaded() if isinstance(command, Command) else command


def name_of(path: tuple[str, ...]) -> str:
    return " ".join(path) or "rag-engine"


def test_all_commands_are_there():
    assert [" ".join(path) for path in ALL] == [
        "",
        "demo",
        "index",
        "search",
        "ask",
        "delete",
        "inspect",
        "check",
        "health",
        "compact",
        "backup",
        "restore",
        "mcp",
        "serve",
        "reembed",
        "migrate",
        "similarity",
        "duplicates",
        "clusters",
        "classify",
        "mine",
        "parity",
        "evaluate",
        "fit",
        "export",
        "synthesize",
        "train",
        "train embedder",
        "train reranker",
        "bench",
        "bench embed",
        "bench index",
        "bench search",
        "bench bitext",
        "bench similarity",
        "bench mteb",
        "bench topics",
        "bench languages",
        "bench typing",
        "bench dialogues",
        "bench quotations",
        "bench serve",
        "bench start",
        "bench peers",
        "bench readers",
    ]


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_help(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*path, "--help"]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("Usage: " + " ".join(("rag-engine", *path)))
    assert printed.out.isascii()  # no frames, no ellipsis for what has no room
    assert "\x1b" not in printed.out
    assert "..." not in printed.out.replace("[ARGS]...", "").replace("}...", "")
    assert max(map(len, printed.out.splitlines())) <= 80
    assert main([*path, "-h"]) == Exit.DONE
    assert capsys.readouterr().out == printed.out


def test_help_says_every_option_and_what_an_exit_status_means(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 done; 1 failed; 2 wrong command line; 3 done but for" in said
    assert "130 interrupted" in said
    for path in ALL:
        command = command_of(path)
        main([*path, "--help"])
        lines = capsys.readouterr().out.splitlines()
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.help, f"{path} {parameter.name}"
                assert any(line.strip().startswith(parameter.opts[0]) for line in lines)


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_the_list_of_commands_says_the_first_sentence_of_its_help(path):
    command = command_of(path)
    listed = app
    for name in path:
        listed = listed.commands[name]
    [first, *_] = command.help.strip().split("\n\n")
    sentence = " ".join(first.split()).partition(". ")[0]
    assert (listed.short_help or listed.help).rstrip(".") == sentence.rstrip(".")


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_a_wrong_option_is_refused(path, capsys):
    assert main([*path, "--no-such-option"]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "No such option: --no-such-option" in printed.err
    assert f"see {' '.join(('rag-engine', *path))} --help" in printed.err


@pytest.mark.parametrize("path", [path for path in ALL if " ".join(path) in CHOICES], ids=name_of)
def test_a_wrong_choice_is_refused_with_those_there_are(path, capsys):
    option, *choices = CHOICES[" ".join(path)]
    required = {
        "bench mteb": ["--out", "out"],
        "bench peers": ["set"],
        "bench readers": ["inputs"],
        "evaluate": ["set"],
        "export": ["bundled", "out"],
        "mine": ["one.txt", "other.txt"],
        "train embedder": ["data.jsonl", "--out", "out"],
        "train reranker": ["data.jsonl", "--out", "out"],
    }
    assert main([*path, *required.get(" ".join(path), []), option, "elsewhere"]) == Exit.USAGE
    said = capsys.readouterr().err
    for word in (option, "elsewhere", *choices):
        assert word in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command"),
        (["nonsense"], "No such command 'nonsense'"),
        (["serch", "x"], "Did you mean 'search'"),
        (["search", "x"], "Missing option '--kb'"),
        (["search", "--kb", "x"], "Missing argument 'QUESTION'"),
        (["search", "x", "--kb", "x", "-k", "ten"], "valid integer"),
        (["search", "x", "--kb", "x", "-k", "ten"], "got 'ten'"),
        (["search", "x", "y", "--kb", "x"], "unexpected extra argument"),
        (["train"], "Missing command"),
        (["mcp", "--kb", "x", "--json"], "No such option: --json"),
    ],
)
def test_what_is_wrong_is_said(arguments, message, capsys):
    assert main(arguments) == Exit.USAGE
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize("language", ["german", "d", "", "de,fr"])
def test_passages_in_no_language_are_refused(command, language, capsys, tmp_path):
    arguments = [command, "x", "--kb", str(tmp_path), "--in", "de", "--in", language]
    assert main(arguments) == Exit.FAILED
    said = capsys.readouterr().err
    assert "language is a BCP-47 code such as 'de'" in said
    assert f"got {language!r}" in said


def test_a_filter_of_the_command_line_is_the_engines():
    assert chosen_filter(None, None) is chosen_filter([], []) is None
    assert chosen_filter(["DE-at", "und"], None) == in_languages(["de", "und"])
    both = And(In("language", ("de",)), Or(Equals("format", "pdf")))
    assert chosen_filter(["de"], ["format=pdf"]) == both


def test_json_is_one_object_for_a_wrong_command_line_too(capsys):
    assert main(["search", "x", "--json"]) == Exit.USAGE
    printed = json.loads(capsys.readouterr().out)
    assert (printed["command"], printed["ok"]) == ("search", False)
    assert printed["error"]["type"] == "UsageError"
    assert "--kb" in printed["error"]["message"]


def test_json_names_the_first_word_of_a_command(capsys):
    assert main(["bench", "index", "--chunks", "0", "--json"]) == Exit.FAILED
    printed = json.loads(capsys.readouterr().out)
    assert printed["command"] == "bench"
    assert printed["error"]["type"] == "InvalidInput"


def test_it_runs_as_a_module_and_is_quick_to_help():
    code = (
        "import sys; from rag_engine.pipelines.cli import main; main(['--help']);"
        "print([name for name in ('torch', 'openvino', 'faiss', 'httpx', 'rich', 'uvicorn',"
        " 'sentence_transformers', 'matplotlib', 'babel', 'numpy', 'pydantic',"
        " 'rag_engine.knowledge_base') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "[]"
    done = subprocess.run(
        [sys.executable, "-m", "rag_engine.pipelines.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.startswith("Usage: rag-engine")
