"""``duplicates``, ``clusters`` and ``classify`` as they are typed."""

from __future__ import annotations

import json

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.pipelines.cli import main
from tests.tasks.test_classification import TEXTS
from tests.tasks.test_duplicates import DOCUMENTS


def run(capsys, *arguments):
    capsys.readouterr()
    status = main([*map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def run_json(capsys, *arguments):
    status, out, _ = run(capsys, *arguments, "--json")
    assert status in {0, 3}
    return json.loads(out)["result"]


@pytest.fixture
def kb(tmp_path, capsys):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        if text:
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    # Two documents of one file: of the file itself something is left when one goes.
    rows = [{"id": "one", "text": DOCUMENTS["bread"]}, {"id": "two", "text": "Nur hier steht das."}]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    assert run(capsys, "index", folder, "--kb", tmp_path / "kb")[0] == 0
    return tmp_path / "kb"


def names(kb):
    with KnowledgeBase.open(kb, read_only=True) as opened:
        return {name.removeprefix("docs/") for name in opened.document_ids()}


def test_nothing_is_deleted_until_it_is_asked_for(kb, capsys):
    before = names(kb)
    status, out, _ = run(capsys, "duplicates", "--kb", kb, "--keep", "last-added")
    assert status == 0
    assert "  del [de] docs/" in out
    assert "would delete (del)" in out
    assert names(kb) == before
    status, _, err = run(capsys, "duplicates", "--kb", kb, "--delete")
    assert (status, names(kb)) == (1, before)
    assert "--delete needs --kind and --keep" in err
    status, _, err = run(capsys, "duplicates", "--kb", kb, "--delete", "--keep", "longest")
    assert (status, names(kb)) == (1, before)


def test_what_is_deleted_is_told_and_gone_and_comes_back_with_its_file(kb, capsys):
    before = names(kb)
    kinds = ("--kind", "exact", "--keep", "source:docs/pump*", "--keep", "source:docs/bread*")
    planned = run_json(capsys, "duplicates", "--kb", kb, *kinds)["would_delete"]
    assert planned.keys() >= {"docs/copy.txt"}
    assert planned["docs/copy.txt"] == "docs/pump.txt"
    found = run_json(capsys, "duplicates", "--kb", kb, *kinds, "--delete")
    assert sorted(found["deleted"]) == sorted(planned)
    assert found["undecided"] == 1  # the two Spanish ones
    gone = {name.removeprefix("docs/") for name in planned}
    assert names(kb) == before - gone
    assert len(gone) == 2
    [row] = gone - {"copy.txt"}
    assert row.startswith("rows.jsonl#")
    assert run(capsys, "check", "--kb", kb)[0] == 0
    run(capsys, "index", kb.parent / "docs", "--kb", kb)
    assert names(kb) == before - {row}  # its file is there and did not change
    status, out, _ = run(capsys, "duplicates", "--kb", kb, "--kind", "near")
    assert "comes back" not in out
    assert status == 0


def test_what_goes_is_what_is_told_whatever_its_source_is(tmp_path, capsys):
    """An id may be the name of the source of others, or stand there in two Unicode forms."""
    text, kept = DOCUMENTS["pump"], ("other-part", "é", "part-2", "museum-es")
    added = [
        ("orig", text, ""),
        ("page", text, "page"),
        ("other-part", DOCUMENTS["bread"], "page"),
        ("part-2", DOCUMENTS["museum-fr"], "e\u0301"),
        ("e\u0301", text, "e\u0301"),
        ("é", "Nur hier steht das.", "é"),
        ("museum-es", DOCUMENTS["museum-es"], ""),
    ]
    with KnowledgeBase.open(tmp_path / "kb") as opened:
        opened.add(Document(id=name, text=said, source=source) for name, said, source in added)
    rules = ("--kind", "exact", "--keep", "first-added", "--delete")
    found = run_json(capsys, "duplicates", "--kb", tmp_path / "kb", *rules)
    assert sorted(found["deleted"]) == ["e\u0301", "page"]
    assert names(tmp_path / "kb") == {"orig", *kept}
    assert run(capsys, "check", "--kb", tmp_path / "kb")[0] == 0


def test_a_rule_that_fits_nothing_is_told_and_deletes_nothing(kb, capsys):
    before = names(kb)
    rules = ("--kind", "exact", "--keep", "newest:publishd", "--keep", "first-added")
    status, out, err = run(capsys, "duplicates", "--kb", kb, *rules)
    assert status == 3
    assert "--keep newest:publishd" in out + err
    status, _, err = run(capsys, "duplicates", "--kb", kb, *rules, "--delete")
    assert (status, names(kb)) == (1, before)
    assert "newest:publishd" in err


def test_clusters_are_printed_with_their_languages_and_terms(kb, capsys):
    found = run_json(capsys, "clusters", "--kb", kb, "--clusters", "3")
    assert sum(len(each["passages"]) for each in found["clusters"]) == found["looked_at"]
    assert all("#" in name for each in found["clusters"] for name in each["passages"])
    status, out, _ = run(capsys, "clusters", "--kb", kb, "--clusters", "3")
    assert status == 0
    assert "language purity" in out
    assert run(capsys, "clusters", "--kb", kb, "--method", "hdbscan", "--smallest", "2")[0] == 0
    for wrong in (("--smallest", "3"), ("--method", "hdbscan", "--clusters", "3")):
        status, _, err = run(capsys, "clusters", "--kb", kb, *wrong)
        assert status == 1
        assert "effect" in err
    assert run(capsys, "clusters", "--kb", kb, "--clusters", "1")[0] == 1
    assert run(capsys, "clusters", "--kb", kb.parent / "none")[0] == 1


def test_a_file_is_classified_line_by_line_and_bad_lines_are_told(tmp_path, capsys):
    file, labels, out = tmp_path / "t.txt", tmp_path / "labels.tsv", tmp_path / "out.tsv"
    lines = [*TEXTS["sw"], "", TEXTS["sw"][0], "བོད་ཡིག་ནི་བོད་ཀྱི་སྐད་ཡིག་ཡིན།"]
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    labels.write_text("sports\tmatches, teams\ten\n\npolitics\thealth", encoding="utf-8")
    found = run_json(capsys, "classify", file, "--labels", labels, "--label", "health")
    assert found["labels"] == ["health", "sports", "politics"]
    assert [each["line"] for each in found["texts"]] == [1, 2, 3, 5, 6]
    assert found["texts"][0]["figures"] == found["texts"][3]["figures"]
    assert found["texts"][0]["label"] == "sports"
    assert found["texts"][4]["figures"] is None
    status, printed, err = run(
        capsys, "classify", file, "--labels", labels, "--label", "health", "--out", out
    )
    assert (status, printed) == (3, f"{out}: 5 texts\n")
    assert "line 7: it is not UTF-8" in err
    assert "bo: the model can not read it" in err
    table = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    assert table[0] == ["line", "label", "health", "sports", "politics", "(none of these)"]
    assert table[5] == ["6", "-", "-", "-", "-", "-"]
    assert sum(map(float, table[1][2:])) == pytest.approx(1, abs=0.003)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Text"], "two labels or more"),
        (["Text", "--label", "a"], "two labels or more"),
        (["Text", "--label", "sports", "--label", "རྩེད་འགྲན།"], "name it in another language"),
        ([" ", "--label", "a", "--label", "b"], "not empty"),
        (["/no/file.txt", "--label", "a", "--label", "b"], "no such file"),
        (["Text", "--labels", "/no/labels.tsv"], "can not be read"),
        (["Text", "--label", "a", "--label", "b", "--raw", "--own-means"], "no effect with --raw"),
        (["Text", "--label", "a", "--label", "b", "--language", "?"], "a language is a code"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments, says, capsys):
    status, out, err = run(capsys, "classify", *arguments)
    assert (status, out) == (1, "")
    assert says in err


def test_plain_cosines_have_no_none(capsys):
    found = run_json(capsys, "classify", TEXTS["de"][0], "--label", "Sport", "--label", "Politik",
                     "--raw")  # fmt: skip
    assert found["figure"] == "cosine"
    assert found["texts"][0]["none"] is None
    assert found["label_languages"] is None
