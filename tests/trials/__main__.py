"""Runs trials and prints what they counted: ``python -m tests.trials [NAME...] [--size full]``.

Without a name, the whole plan. A trial that fails is named with its seed, the others go on, and
the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.trials.plan import NAMES, trial_named

SEED = 1


def main() -> int:
    """Run the trials that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--under", type=Path, help="a folder to work in; default: a temporary one")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(NAMES))
    if unknown:
        parser.error(f"no trial is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return max(run(name, given.size, given.seed, given.under) for name in given.names or NAMES)


def run(name: str, size: str, seed: int, under: Path | None) -> int:
    """Run one trial, print its figures, and return 1 if it failed."""
    trial = trial_named(name)
    lacking = trial.lacking()
    if lacking is not None:
        say(f"{name}: NOT RUN: {lacking}")
        return 1
    started = time.monotonic()
    amounts = trial.full if size == "full" else trial.small
    try:
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=under) as folder:
            figures = trial.run(Path(folder), amounts, random.Random(seed))
    except Exception:  # whatever it is, the other trials go on
        say(f"{name}: FAILED (--size {size} --seed {seed}): {trial.holds}")
        say(traceback.format_exc())
        return 1
    told = ", ".join(f"{key} {value}" for key, value in figures.items())
    say(f"{name} (seed {seed}, {time.monotonic() - started:.0f} s): {told}")
    return 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
