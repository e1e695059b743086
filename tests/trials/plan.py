"""The plan: every trial by its name, in order. Each is the module of that name beside this one."""

from __future__ import annotations

from importlib import import_module

from tests.trials.trial import Trial

__all__ = ["NAMES", "trial_named"]

NAMES: tuple[str, ...] = (
    "kills",
    "file_operations",
    "power_loss",
    "corruption",
    "disk_full",
    "many_writers",
    "one_writer",
    "operations",
    "damaged_files",
    "filters",
    "injection",
    "http_abuse",
    "overload",
    "soak",
)


def trial_named(name: str) -> Trial:
    """Return the trial of a name of the plan."""
    trial: Trial = import_module(f"tests.trials.{name}").TRIAL
    assert trial.name == name
    return trial
