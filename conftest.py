"""Which tests and doctests of the repository have which mark (``tests/marks.py``)."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.marks import ANY, PACKAGES, lacking, mark_of_file, marks_of_fixtures, unavailable


class _Unavailable(pytest.File):
    """Stands for a file that can not be imported here: one skip with its reason, or one error."""

    def collect(self) -> list[pytest.Item]:
        mark, _ = _mark_of(self.path, self.config)
        assert mark is not None
        unavailable(mark, lacking(mark) or "")


def _mark_of(path: Path, config: pytest.Config) -> tuple[str | None, bool]:
    """Return the mark of a whole file, and whether tests with it are asked for."""
    if not path.is_relative_to(config.rootpath):
        return None, True
    mark = mark_of_file(path.relative_to(config.rootpath).as_posix())
    wanted: str = config.getoption("markexpr")
    if mark is None or not wanted:
        return mark, True
    return mark, Expression.compile(wanted).evaluate(lambda name, /, **_: name in {mark, ANY})


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks; Haystack, which reads this when it is imported, tells nobody of tests."""
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    for mark, packages in PACKAGES.items():
        needs = f"needs {', '.join(packages)}" if packages else "takes long"
        config.addinivalue_line("markers", f"{mark}: {needs}")
    config.addinivalue_line("markers", f"{ANY}: has any of {', '.join(PACKAGES)}")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which marks are asked for."""
    return f"marks: {config.getoption('markexpr') or 'all'} (there are {', '.join(PACKAGES)})"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files whose mark is not asked for: importing them takes packages and seconds."""
    if collection_path.suffix == ".py" and not _mark_of(collection_path, config)[1]:
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Put a skip in the place of a file whose packages are not installed."""
    collectors = yield
    mark, _ = _mark_of(file_path, parent.config)
    if collectors and mark is not None and lacking(mark):
        return [_Unavailable.from_parent(parent, path=file_path)]
    return collectors


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a test the marks of its file and of its fixtures."""
    mark, _ = _mark_of(item.path, item.config)
    if mark is not None:
        item.add_marker(mark)
    for mark in marks_of_fixtures(getattr(item, "fixturenames", [])):
        item.add_marker(mark)
    if any(item.get_closest_marker(mark) for mark in PACKAGES):
        item.add_marker(ANY)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose packages are not installed."""
    for mark in PACKAGES:
        if item.get_closest_marker(mark) and (missing := lacking(mark)):
            unavailable(mark, missing)
