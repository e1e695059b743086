"""The standard suites once more, with the oldest langchain-core that the extra allows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[3]
SHOW = (
    "import langchain_core, langchain_core.version as v; print(v.VERSION, langchain_core.__file__)"
)


def oldest() -> str:
    """Read the version from the extra, ``langchain-core>=1`` being 1.0.0."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [required] = project["optional-dependencies"]["langchain"]
    found = re.fullmatch(r"langchain-core>=(\d+)(?:\.(\d+))?(?:\.(\d+))?", required)
    assert found, required
    return ".".join(part or "0" for part in found.groups())


def test_the_oldest_version_passes_the_standard_suites(tmp_path):
    """Both packages go into a folder of their own, in front of those that are installed."""
    version = oldest()
    packages = [f"langchain-core=={version}", f"langchain-tests=={version}"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*install, tmp_path, *packages], check=True, timeout=PATIENCE_S)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def python(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert python("-c", SHOW).startswith(f"{version} {tmp_path}")
    suites = Path(__file__).with_name("test_standard_suites.py")
    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-k", "not BundledModel"]
    told = python("-m", "pytest", *options, suites)
    assert re.search(r"\n\d+ passed, \d+ deselected in ", told), told
