"""Parallel examples from real gettext catalogues."""

from __future__ import annotations

from pathlib import Path

import polib

from rag_engine.connectors.training.examples import read_examples
from rag_engine.pipelines.recipes.make_message_pairs import main


def write_catalogue(folder: Path, language: str, messages: dict[str, str]) -> None:
    catalogue = polib.POFile()
    for english, text in messages.items():
        catalogue.append(polib.POEntry(msgid=english, msgstr=text))
    path = folder / language / "LC_MESSAGES" / "program.mo"
    path.parent.mkdir(parents=True)
    catalogue.save_as_mofile(str(path))


def test_what_programs_say_becomes_pairs(tmp_path: Path):
    plain = {f"_Open the box number {n}": f"Digor ar voest niverenn {n}" for n in range(30)}
    read_by_programs = {"%d files are left": "%d restr a chom", "Close": "Serriñ"}
    write_catalogue(tmp_path / "locale", "br", plain | read_by_programs)
    write_catalogue(
        tmp_path / "locale",
        "nds",
        {f"_Open the box number {n}": f"Mak de Kist Nummer {n} op" for n in range(30)},
    )
    write_catalogue(tmp_path / "locale", "en_GB", {key: key + "!" for key in plain})
    write_catalogue(tmp_path / "locale", "kw", {"Open all the boxes": "Ygeri an kistyow"})
    target = tmp_path / "out" / "messages.jsonl"
    main([str(tmp_path / "locale"), str(target)])
    first = target.read_bytes()
    main([str(tmp_path / "locale"), str(target)])
    assert target.read_bytes() == first
    examples = read_examples(target).examples
    assert len(examples) == 2 * 30  # one message of Cornish teaches nothing
    for each in examples:
        assert each.question.split()[-1 if each.question_language != "nds" else -2].isdigit()
        assert {each.question_language, each.passage_language} <= {"br", "nds", "en"}
        assert each.question_language != each.passage_language
        assert each.group.startswith("open the box number")
        assert "_" not in each.question + each.positive
    assert any("en" not in {each.question_language, each.passage_language} for each in examples)
