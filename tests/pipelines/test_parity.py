"""``rag-engine parity``: the bundled model's tokens, other tokenizers, lines that are none."""

from __future__ import annotations

import gzip
import json

import pytest

from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit

SAID = {
    "eng_Latn": ["The museum is closed on Mondays.", "The pump needs a new seal."],
    "deu_Latn": [
        "Montags bleibt das Museum den ganzen Tag über geschlossen.",
        "Die Pumpe braucht eine Dichtung.",
    ],
    "bod_Tibt": ["འགྲེམས་སྟོན་ཁང་གཟའ་ཟླ་བར་སྒོ་རྒྱག་གི་ཡོད།", "ཆུ་འཐེན་འཕྲུལ་འཁོར།"],
}


def lines(said=SAID):
    return [
        json.dumps({"language": code, "sentence": number, "text": text}, ensure_ascii=False)
        for code, texts in said.items()
        for number, text in enumerate(texts)
    ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "said.jsonl"
    path.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    return path


def run_json(capsys, *arguments):
    capsys.readouterr()
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_what_the_bundled_model_makes_of_it(file, capsys, bundled_e5):
    status, printed = run_json(capsys, "parity", str(file), "--price", "2")
    result = printed["result"]
    assert (result["relative_to"], result["max_tokens"]) == ("eng_Latn", 256)
    [measured] = result["tokenizers"]
    rows = {row["language"]: row for row in measured["languages"]}
    tokens = {code: sum(bundled_e5.count_tokens(texts)) for code, texts in SAID.items()}
    german = rows["deu_Latn"]
    assert german["tokens"] == tokens["deu_Latn"]
    assert german["premium"] == pytest.approx(tokens["deu_Latn"] / tokens["eng_Latn"], abs=1e-4)
    assert german["cost"] == pytest.approx(2 * german["premium"], abs=1e-3)
    assert german["sentences_a_chunk"] == pytest.approx(512 / tokens["deu_Latn"], abs=1e-3)
    assert rows["eng_Latn"]["premium"] == 1
    # Tibetan has fewer tokens than English, as the model can not read it: that is no bargain.
    assert rows["bod_Tibt"]["tokens"] < 2 * tokens["eng_Latn"]
    assert rows["bod_Tibt"]["premium"] is rows["bod_Tibt"]["cost"] is None
    assert status == Exit.PROBLEMS
    assert [problem["source"] for problem in printed["problems"]] == ["bod_Tibt"]


def test_people_read_a_table_with_the_cheapest_language_first(file, capsys):
    assert main(["parity", str(file)]) == Exit.PROBLEMS
    head, columns, first, second, last = capsys.readouterr().out.splitlines()
    assert head.endswith("relative to eng_Latn")
    assert columns.split()[:4] == ["language", "sentences", "tokens", "premium"]
    assert "cost" not in columns
    assert [row.split()[0] for row in (first, second, last)] == [
        *("eng_Latn", "deu_Latn", "bod_Tibt")
    ]
    assert " - " in last


def test_missing_sentences_and_lines_that_are_none_are_told(tmp_path, capsys):
    said = {"en": SAID["eng_Latn"], "de": SAID["deu_Latn"][:1]}
    bad = [
        "no json",
        '{"language": "de", "sentence": "1", "text": "x"}',
        '{"language": "de", "sentence": 0, "text": "again"}',
        '{"language": "fr", "sentence": 9, "text": "seul"}',
        "",
    ]
    path = tmp_path / "said.jsonl"
    path.write_bytes("\n".join([*lines(said), *bad]).encode() + b'\n{"language": "\xff"}\n')
    status, printed = run_json(capsys, "parity", str(path))
    assert status == Exit.PROBLEMS
    rows = {row["language"]: row for row in printed["result"]["tokenizers"][0]["languages"]}
    assert (rows["de"]["sentences"], rows["de"]["missing"]) == (1, 1)
    reasons = [problem["reason"] for problem in printed["problems"]]
    assert [reason.split(":")[0] for reason in reasons[:4]] == [
        "line 4",
        "line 5",
        "line 6",
        "line 9",
    ]
    assert "shares no sentence" in reasons[4]
    assert "1 of en's sentences are missing" in reasons[5]


def test_two_tokenizers_stand_beside_each_other_and_are_drawn(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    names = tokenizer_files(tmp_path)
    options = [word for name in names for word in ("--tokenizer", name)]
    chart = tmp_path / "chart.png"
    status, printed = run_json(capsys, "parity", str(file), *options, "--chart", str(chart))
    assert status == Exit.PROBLEMS
    in_bytes, letters = printed["result"]["tokenizers"]
    assert [in_bytes["tokenizer"], letters["tokenizer"]] == names
    for row in in_bytes["languages"]:
        assert row["tokens"] == sum(len(text.encode()) for text in SAID[row["language"]])
        assert row["premium"] == row["bytes_ratio"]
        assert row["chunks"] is None  # chunks are counted in the embedder's tokens
    assert [row["premium"] for row in letters["languages"]] == [
        *(None, letters["languages"][1]["characters_ratio"], 1)
    ]
    assert chart.read_bytes().startswith(b"\x89PNG")
    assert main(["parity", str(file), *options]) == Exit.PROBLEMS
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == [
        *("eng_Latn", "deu_Latn", "bod_Tibt")
    ]


def tokenizer_files(folder):
    """Write a tokenizer of bytes and one of Latin letters."""
    tokenizers = pytest.importorskip("tokenizers")
    models, split = tokenizers.models, tokenizers.pre_tokenizers
    in_bytes = tokenizers.Tokenizer(
        models.BPE({letter: row for row, letter in enumerate(split.ByteLevel.alphabet())}, [])
    )
    in_bytes.pre_tokenizer = split.ByteLevel(add_prefix_space=False)
    known = sorted(set("".join(SAID["eng_Latn"] + SAID["deu_Latn"])))
    letters = tokenizers.Tokenizer(
        models.WordLevel({sign: row for row, sign in enumerate(["", *known])}, unk_token="")
    )
    letters.pre_tokenizer = split.Split(tokenizers.Regex("."), "isolated")
    names = [str(folder / "bytes.json"), str(folder / "letters.json")]
    in_bytes.save(names[0])
    letters.save(names[1])
    return names


def test_a_chart_that_can_not_be_written_is_a_failure_of_storage(file, capsys):
    status, printed = run_json(capsys, "parity", str(file), "--chart", "/proc/chart.png")
    assert status == Exit.STORAGE
    assert "/proc/chart.png" in printed["error"]["message"]


def test_wrong_calls_say_what_is_allowed(file, tmp_path, capsys):
    def told(*arguments):
        status, printed = run_json(capsys, "parity", *arguments)
        assert status == Exit.FAILED
        return printed["error"]["message"]

    assert "above 0, got -1" in told(str(file), "--price", "-1")
    assert "bod_Tibt, deu_Latn, eng_Latn" in told(str(file), "--relative-to", "sw")
    two = tmp_path / "two.jsonl"
    two.write_text("\n".join(lines({"zho_Hans": ["一"], "zho_Hant": ["一"]})), encoding="utf-8")
    assert "all of it: zho_Hans, zho_Hant" in told(str(two), "--relative-to", "zh")
    assert "names one twice" in told(str(file), "--tokenizer", "a", "--tokenizer", "a")
    settings = tmp_path / "rag.toml"
    settings.write_text("", encoding="utf-8")
    assert "no effect" in told(str(file), "--tokenizer", "a", "--settings", str(settings))
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    assert "holds no line" in told(str(tmp_path / "empty.jsonl"))
    assert "can not be read" in told(str(tmp_path / "none.jsonl"))


def test_a_line_of_endless_brackets_and_a_flipped_byte_are_told(tmp_path, capsys):
    path = tmp_path / "said.jsonl"
    rows = [*lines({"en": ["one", "two"], "de": ["eins", "zwei"]}), "[" * 200_000]
    path.write_text("\n".join(rows), encoding="utf-8")
    status, printed = run_json(capsys, "parity", str(path))
    assert status == Exit.PROBLEMS
    [problem] = printed["problems"]
    assert problem["reason"].startswith("line 5: it has too many brackets")
    damaged = bytearray(gzip.compress(path.read_bytes()))
    damaged[12] ^= 0xFF
    path = tmp_path / "said.jsonl.gz"
    path.write_bytes(damaged)
    status, printed = run_json(capsys, "parity", str(path))
    assert status == Exit.FAILED
    assert "said.jsonl.gz can not be read" in printed["error"]["message"]
