"""What an error says of settings that there are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag_engine.errors import SettingsError
from rag_engine.settings import Settings


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            {"retreival": {"pool": 3}},
            "my.toml: retreival is not permitted (got {'pool': 3}): the tables are retrieval, ",
        ),
        ({"ocr": {"dpy": 3}}, "ocr.dpy is not permitted (got 3): [ocr] takes dpi, "),
        ({"dense": {"kind": "hnsw", "ef_serch": 3}}, "(got 3): [dense] takes ef_search, "),
        ({"embedder": {"kind": "mine:X", "option": 3}}, "(got 3): [embedder] takes options, kind"),
    ],
)
def test_an_unknown_setting_is_told_with_what_is_taken(data: dict[str, Any], told: str):
    with pytest.raises(SettingsError) as error:
        Settings.checked(data, origin="my.toml")
    assert told in str(error.value)


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path):
    with pytest.raises(SettingsError, match="there is no such file; see that its name is right"):
        Settings.from_toml(tmp_path / "my.toml")
