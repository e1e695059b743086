"""Every number of the settings has bounds, and is finite."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from rag_engine import Settings
from rag_engine.connectors.openai_http import OpenAIEndpoint
from rag_engine.errors import InvalidInput, SettingsError
from rag_engine.settings.base import Kind

NEEDED = {"model": "m", "base_url": "http://h/v1", "kind": "m:C"}


def numbers():
    for stage, field in Settings.model_fields.items():
        default = field.default
        for part in default.kinds() if isinstance(default, Kind) else [type(default)]:
            for name, number in part.model_fields.items():
                if number.annotation in {int, float, int | None}:
                    yield pytest.param(part, name, id=f"{stage}-{part.__name__}-{name}")


@pytest.mark.parametrize(("part", "name"), list(numbers()))
def test_a_number_has_bounds(part, name):
    needed = {
        field: NEEDED[field]
        for field, known in part.model_fields.items()
        if known.is_required() and field in NEEDED
    }
    if issubclass(part, Kind):
        needed.setdefault(part.choice, part.names()[0].replace("module:Class", "m:C"))
    part.model_validate(needed)
    for wrong in (math.inf, -math.inf, math.nan, -1, 10**30, 1e30):
        with pytest.raises(ValidationError, match=name):
            part.model_validate({**needed, name: wrong})


def test_the_error_names_the_setting_the_value_and_what_is_allowed(tmp_path):
    path = tmp_path / "rag.toml"
    path.write_text("[milvus]\ntimeout_s = inf\n[dense]\nkind = 'milvus'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"milvus\.timeout_s: .* finite number \(got inf\)"):
        Settings.from_toml(path)
    path.write_text("[milvus]\ntimeout_s = 1e9\n[dense]\nkind = 'milvus'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"timeout_s: .* less than or equal to 86400 \(got 1"):
        Settings.from_toml(path)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"timeout_s": value} for value in (0, -1.0, math.inf, math.nan, 1e9)),
        *({"max_retries": value} for value in (-1, 10**6)),
        *({"backoff_s": value} for value in (-0.1, math.inf, math.nan)),
    ],
)
def test_a_connection_has_bounds_too(wrong):
    given = {"timeout_s": 1.0, "max_retries": 0, "backoff_s": 0.0, **wrong}
    [name] = wrong
    with pytest.raises(InvalidInput, match=name):
        OpenAIEndpoint(base_url="http://h/v1", api_key=None, api_key_env="NO_KEY", **given)
