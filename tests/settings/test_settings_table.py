"""The table of settings in the README is that of the classes."""

from __future__ import annotations

import pytest

from rag_engine import Settings
from rag_engine.connectors.settings_table import COMMAND, README, effects, renewed, settings_table
from rag_engine.settings.base import Kind


def test_the_readme_holds_the_table_of_today():
    text = README.read_text(encoding="utf-8")
    assert renewed(text) == text, f"the table of settings is old; renew it: {COMMAND}"


def test_every_setting_stands_in_it_with_its_effect():
    table = settings_table()
    for stage, field in Settings.model_fields.items():
        default = field.default
        parts = default.kinds() if isinstance(default, Kind) else [type(default)]
        section = table.partition(f"### `[{stage}]`")[2].partition("###")[0]
        for part in parts:
            for name in part.model_fields:
                effect = effects(part).get(name)
                assert effect, f"{part.__name__}.{name} has no docstring"
                assert f"| `{name}` |" in section
                assert effect in section


def test_a_file_without_the_markers_is_told():
    with pytest.raises(ValueError, match="markers"):
        renewed("# Settings\n")
