"""The recipe that compares chunks of the same content with chunks of as many tokens."""

from __future__ import annotations

import json

from rag_engine.pipelines.recipes.measure_content_chunks import joined, main, right_ranks
from rag_engine.records import Chunk
from tests.small_sets import FACTS

TEXTS = {
    "eng_Latn": {1: "One.", 2: "Two.", 3: "Three."},
    "deu_Latn": {1: "Eins.", 2: "Zwei.", 3: "Drei.", 4: "Vier."},
}


def test_runs_of_sentences_are_dealt_to_the_languages_in_turn():
    found = list(joined(TEXTS, ["eng_Latn", "deu_Latn"], 0, 2))
    assert [each.language for each in found] == ["eng_Latn", "deu_Latn"]
    assert [each.document.text for each in found] == ["One. Two.", "Drei."]  # four is German alone
    for each in found:
        for sentence, (start, end) in each.places.items():
            assert each.document.text[start:end] == TEXTS[each.language][sentence]


def test_right_is_what_holds_half_of_a_sentence_or_is_half_of_it():
    def chunk(start, end, document="d"):
        return Chunk(
            document_id=document, ordinal=0, start=start, end=end, text="x" * (end - start)
        )

    cut = [chunk(0, 100), chunk(0, 24), chunk(24, 60), chunk(0, 12), chunk(20, 60, "other")]
    assert right_ranks(cut, "d", (20, 40)) == [1, 0, 1, 0, 0]


def test_a_table_comes_out(tmp_path, capsys):
    path = tmp_path / "said.jsonl"
    rows = [
        {"language": language, "sentence": number, "text": text}
        for language in ("eng_Latn", "deu_Latn")
        for number, (_, text, _) in enumerate(FACTS * 5)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    main([str(path), "--languages", "deu_Latn", "--max-tokens", "32", "--shifts", "1"])
    head, *told = capsys.readouterr().out.splitlines()
    assert head.split() == ["languages", "premiums", "tokens", "content"]
    assert {line.split()[0] for line in told} == {"1"}
