"""``rag-engine fit``: a model of one's own, from files of parallel sentences."""

from __future__ import annotations

import gzip
import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from rag_engine import KnowledgeBase
from rag_engine.calibration.model_fit import FIT_FILE, ModelFit, fit_of
from rag_engine.calibration.model_fitting import Aligned, Paired
from rag_engine.connectors import embedder_wiring
from rag_engine.connectors.embedders.exported import DESCRIPTION
from rag_engine.connectors.wiring import build_embedder
from rag_engine.errors import ContractMismatch, InvalidInput, ModelError
from rag_engine.inspection import inspect_location
from rag_engine.pipelines.aligned_lines import read_aligned
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.parallel_files import read_parallel_file
from rag_engine.settings import Settings
from tests.doubles import HashEmbedder
from tests.samples import PUMP

MODEL = "tests.doubles:HashEmbedder"
ROWS = [
    {"language": language, "sentence": row, "text": f"{language} {row}"}
    for language in ("deu_Latn", "swh_Latn", "zho_Hans", "zho_Hant")
    for row in range(12)
]


def write(path, rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    text = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def parallel(tmp_path):
    return write(tmp_path / "flores.jsonl.gz", ROWS)


def run_json(capsys, *arguments):
    capsys.readouterr()
    status = main(["fit", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_part_of_ones_own_is_fitted_and_opened_with_its_fit(parallel, tmp_path, capsys):
    out = tmp_path / "own.npz"
    status, printed = run_json(capsys, MODEL, "--parallel", parallel, "--out", out)
    assert status == Exit.DONE
    result, fit = printed["result"], ModelFit.load(out)
    assert fit.prior.languages == ("de", "sw", "zh")
    assert result == {
        "file": str(out),
        "identity": fit.identity,
        "model": "hash",
        "sources": ["flores.jsonl.gz"],
        "languages": 3,
        "sentences": 36,
        "token_vectors": False,
        "tokens_refused": "the embedder gives one vector a text alone",
        "token_weights": None,
    }
    settings = Settings.model_validate({"embedder": {"kind": MODEL, "fit": str(out)}})
    assert fit_of(build_embedder(settings.embedder)).identity == fit.identity
    other = {"kind": MODEL, "fit": str(out), "options": {"dimension": 64}}
    with pytest.raises(ModelError, match="fitted to 128, the model has 64"):
        build_embedder(Settings.model_validate({"embedder": other}).embedder)


_SHARED = HashEmbedder()


def shared_embedder():
    """As a part of one's own does that loads its model once."""
    return _SHARED


def test_an_object_that_is_shared_has_no_fit_of_another_knowledge_base(parallel, tmp_path, capsys):
    for name, sentences in (("one", 10), ("two", 12)):
        out = tmp_path / f"{name}.npz"
        run_json(capsys, MODEL, "--parallel", parallel, "--out", out, "--sentences", sentences)
    fits = {"a": str(tmp_path / "one.npz"), "b": "none", "c": str(tmp_path / "two.npz")}
    kept = {}
    with ExitStack() as opened:
        for name, fit in fits.items():
            embedder = {"kind": f"{__name__}:shared_embedder", "fit": fit}
            settings = Settings.model_validate({"embedder": embedder})
            opened.enter_context(KnowledgeBase.open(tmp_path / name, settings=settings))
            kept[name] = inspect_location(tmp_path / name).contract.get("fit")
    own = {name: ModelFit.load(Path(fits[name])).identity for name in "ac"}
    assert own["a"] != own["c"]
    assert kept == {**own, "b": None}


def test_what_was_built_before_the_fit_goes_on_without(
    parallel, tmp_path, capsys, monkeypatch, caplog
):
    monkeypatch.setattr(embedder_wiring, "_build_embedder", lambda settings: HashEmbedder())
    model = tmp_path / "model"
    model.mkdir()
    (model / DESCRIPTION).touch()
    embedder = {"kind": "exported", "model": str(model)}
    settings = Settings.model_validate({"embedder": embedder})
    old, new = tmp_path / "old", tmp_path / "new"
    with KnowledgeBase.open(old, settings=settings) as kb:
        kb.add([PUMP])
    assert main(["fit", str(model), "--parallel", str(parallel)]) == Exit.DONE
    assert "those that were built without go on without" in capsys.readouterr().out
    identity = ModelFit.load(model / FIT_FILE).identity
    with caplog.at_level("INFO", "rag_engine.index_contract"):
        for given in (None, settings):
            caplog.clear()
            with KnowledgeBase.open(old, settings=given) as kb:
                assert kb.document_ids() == ["pump"]
            assert [record.args for record in caplog.records] == [(model / FIT_FILE,)]
    assert main(["health", "--kb", str(old)]) == Exit.DONE
    with KnowledgeBase.open(new, settings=settings):
        assert inspect_location(new).contract["fit"] == identity
    KnowledgeBase.open(new).close()
    named = Settings.model_validate({"embedder": {**embedder, "fit": str(model / FIT_FILE)}})
    with pytest.raises(ContractMismatch, match="stored 'none'"):
        KnowledgeBase.open(old, settings=named)


def test_bad_rows_are_problems_and_stop_nothing(tmp_path, capsys):
    bad = ["{", "[]", {"language": "de", "sentence": True, "text": "a"}, {"language": "de"}]
    bad += [{"language": "de", "text": "a"}]  # neither of this kind nor of the other
    bad += ["[" * 200_000]
    path = write(tmp_path / "a.jsonl", [*ROWS, *bad, ""])
    status, printed = run_json(capsys, MODEL, "--parallel", path, "--out", tmp_path / "a.npz")
    assert status == Exit.PROBLEMS
    reasons = [problem["reason"] for problem in printed["problems"]]
    assert [reason.partition(":")[0] for reason in reasons] == [
        f"line {number}" for number in (49, 50, 51, 52, 53, 54)
    ]
    assert printed["result"]["sentences"] == 36


def test_a_fit_is_not_written_over(parallel, tmp_path, capsys):
    out = tmp_path / "own.npz"
    arguments = [MODEL, "--parallel", parallel, "--out", out]
    run_json(capsys, *arguments)
    first = ModelFit.load(out).identity
    _, printed = run_json(capsys, *arguments, "--sentences", "10")
    assert "open with no other" in printed["error"]["message"]
    assert ModelFit.load(out).identity == first
    status, _ = run_json(capsys, *arguments, "--sentences", "10", "--replace")
    assert status == Exit.DONE
    assert ModelFit.load(out).identity != first


def test_what_is_no_fit_is_not_replaced(parallel, tmp_path, capsys):
    out = tmp_path / "own.npz"
    np.savez(out, weights=np.zeros(3))
    kept = out.read_bytes()
    arguments = [MODEL, "--parallel", parallel, "--out", out, "--replace"]
    assert "is no fit" in run_json(capsys, *arguments)[1]["error"]["message"]
    assert out.read_bytes() == kept
    out.write_bytes(b"notes")
    assert run_json(capsys, *arguments)[0] == Exit.FAILED
    assert out.read_bytes() == b"notes"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bundled"], "needs no fit"),
        ([MODEL], "name a file with --out"),
        ([], "neither was given"),
        (["a:b:c"], "embedder"),
    ],
)
def test_what_can_not_be_fitted_is_told(arguments, said, parallel, capsys):
    status, printed = run_json(capsys, *arguments, "--parallel", parallel)
    assert status == Exit.FAILED
    assert said in printed["error"]["message"]


def test_a_line_that_is_no_text_stops_nothing_and_a_mark_at_the_start_is_none(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(row).encode() for row in ROWS[:2]]
    path.write_bytes(b"\xef\xbb\xbf" + lines[0] + b"\n\xff\n" + lines[1] + b"\n")
    source, problems = read_parallel_file(path)
    assert source == Aligned("a.jsonl", {"de": {0: "deu_Latn 0", 1: "deu_Latn 1"}})
    assert [problem.reason.partition(":")[0] for problem in problems] == ["line 2"]


def test_tatoebas_rows_are_pairs(tmp_path):
    rows = [{"language": "deu", "text": "Ja.", "english": "Yes."}]
    source, problems = read_parallel_file(write(tmp_path / "t.jsonl", rows))
    assert (source, len(problems)) == (Paired("t.jsonl", {"de": [("Ja.", "Yes.")]}), 0)


def test_of_a_language_in_two_scripts_both_count_and_other_varieties_none(tmp_path):
    rows = [
        {"language": code, "sentence": 7, "text": code}
        for code in ("ace_Arab", "ace_Latn", "zho_Hans", "yue_Hant")
    ]
    source, _ = read_parallel_file(write(tmp_path / "f.jsonl", rows))
    texts = {"ace": {7: "ace_Arab", -8: "ace_Latn"}, "zh": {7: "zho_Hans"}}
    assert source == Aligned("f.jsonl", texts)


def test_names_that_are_no_codes_and_rows_that_came_before_are_told(tmp_path):
    told = [("de", 1), ("german", 1), ("de", 1), ("de_Latn", 1), ("deu", 1), ("und", 2)]
    rows = [{"language": code, "sentence": row, "text": code} for code, row in told]
    rows += [{"language": "Klingonisch", "sentence": 1, "text": "x"}]
    source, problems = read_parallel_file(write(tmp_path / "f.jsonl", rows))
    assert source == Aligned("f.jsonl", {"de": {1: "de", -2: "de_Latn"}})
    assert [each.reason.split("; ")[0] for each in problems] == [
        "line 2: its language is a code such as de, got 'german'",
        "line 3: sentence 1 of de came before",
        "line 5: sentence 1 of deu came before",
        "line 6: its language is a code such as de, got 'und'",
        "line 7: its language is a code such as de, got 'Klingonisch'",
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no parallel sentences"),
        ([ROWS[0], {"language": "de", "text": "a", "english": "b"}], "give them as two files"),
    ],
)
def test_files_of_nothing_or_of_both_are_refused(rows, said, tmp_path):
    with pytest.raises(InvalidInput, match=said):
        read_parallel_file(write(tmp_path / "f.jsonl", rows))


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "f.jsonl.gz").write_bytes(b"no gzip")
    whole = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in ROWS))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])
    (tmp_path / "damaged.jsonl.gz").write_bytes(whole[:15] + b"\xff" * 20 + whole[35:])
    for name in ("f.jsonl.gz", "cut.jsonl.gz", "damaged.jsonl.gz", "missing.jsonl"):
        for read in (read_parallel_file, read_aligned):
            with pytest.raises(InvalidInput, match=f"{name} can not be read"):
                read(tmp_path / name)


def test_the_fit_beside_a_directory_is_found(tmp_path):
    from rag_engine.connectors.embedders.fit_file import fit_path

    def path(**more):
        data = {"kind": "exported", "model": str(tmp_path), **more}
        return fit_path(Settings.model_validate({"embedder": data}).embedder)

    assert path() is None
    (tmp_path / FIT_FILE).write_text("")
    assert path() == tmp_path / FIT_FILE
    assert path(fit="none") is None
    assert path(fit="elsewhere.npz").name == "elsewhere.npz"
