"""Many processes want to write at once, others read; who writes is killed, or closes."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path

from tests.trials.contender import Contender
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_WITHIN_S = 1.0


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    root = folder / "kb"
    refused: list[float] = []
    freed: list[float] = []
    killed = 0
    model: dict[str, str] = {}
    with ExitStack() as stack:
        contenders = [Contender(root) for _ in range(amounts["writers"] + amounts["readers"])]
        writers, readers = contenders[: amounts["writers"]], contenders[amounts["writers"] :]
        stack.callback(lambda: [each.end() for each in (*writers, *readers)])
        for each in contenders:
            each.tell("wake")
        for each in contenders:
            each.hear()
        _ = [writers[0].ask("open", read_only=False), writers[0].ask("close")]
        for reader in readers:
            assert reader.ask("open", read_only=True)["got"]
        for number in range(amounts["rounds"]):
            for writer in writers:
                writer.tell("open", read_only=False)
            told = [writer.hear() for writer in writers]
            holders = [writer for writer, each in zip(writers, told, strict=True) if each["got"]]
            assert len(holders) == 1, f"round {number}: {len(holders)} write at once"
            refused += [each["seconds"] for each in told if not each["got"]]
            holder = holders[0]
            texts = {f"d{drawn.randrange(20)}": f"number {drawn.random()}" for _ in range(3)}
            holder.ask("add", texts=texts)
            model |= texts
            for reader in readers:
                reader.tell("find")
            for reader in readers:
                found = reader.hear()["found"]
                assert found == model, f"round {number}: a reader found {found}, not {model}"
            other = drawn.choice([writer for writer in writers if writer is not holder])
            if drawn.random() < amounts["kills %"] / 100:
                killed += 1
                holder.kill()
                ended = time.monotonic()
                writers[writers.index(holder)] = holder = Contender(root)
            else:
                holder.ask("close")
                ended = time.monotonic()
            assert other.ask("open", read_only=False)["got"], f"round {number}: it stays locked"
            freed.append(time.monotonic() - ended)
            other.ask("close")
            holder.ask("wake")
    figures: Figures = {
        "rounds": amounts["rounds"],
        "writers": amounts["writers"],
        "readers": amounts["readers"],
        "killed": killed,
        "refused": len(refused),
        "slowest refusal (s)": round(max(refused), 3),
        "slowest to be free (s)": round(max(freed), 3),
    }
    if amounts["rounds"] >= 50:
        assert max(refused) < _WITHIN_S, figures
        assert max(freed) < _WITHIN_S, figures
    return figures


TRIAL = Trial(
    name="many_writers",
    what="8 processes wanting to write, 4 reading",
    holds="one writer; typed error within 1 s; the lock is free within 1 s of a kill",
    small={"writers": 3, "readers": 1, "rounds": 3, "kills %": 50},
    full={"writers": 8, "readers": 4, "rounds": 50, "kills %": 50},
    run=_run,
)
