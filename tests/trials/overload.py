"""Overload: more requests than a service can answer, and one tenant that floods another.

First, with all workers held (searches wait for a file to go away), what hangs on no clock: who is
refused was never run, who waits past the deadline is told so, each tenant gets its turn, health
answers. Then, at the full size, an open loop at 120 and 200 percent of what a closed loop got, and
what it does to those who are answered, to those who are refused, and to health.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rag_engine.connectors.http.limits import Limits
from tests.connectors.http.service import write_keys
from tests.trials.open_loop import Asker, Reply, closed_loop, open_loop, percentile, watch_health
from tests.trials.served import Served, sample_kb, served
from tests.trials.trial import Amounts, Figures, Trial
from tests.waiting import PATIENCE_S

__all__ = ["TRIAL"]

_QUIET, _FLOOD = "quiet", "flood"
_MAX_WAIT_S = 8.0
_BASELINE = 0.7
_SLOWER = 3.0
"""How many times the baseline's p99 those who are answered may take."""
_RECOVERS_S = 10.0
_HELD = """
import os, time
from rag_engine import KnowledgeBase
search = KnowledgeBase.search
def held(kb, question, **options):
    with open({ran!r}, "a", encoding="utf-8") as file:
        file.write(kb.path.name + " " + question + "\\n")
    while os.path.exists({gate!r}):
        time.sleep(0.01)
    return search(kb, question, **options)
KnowledgeBase.search = held
"""


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    arguments = _tenants(folder)
    ran, gate = folder / "ran.txt", folder / "gate"
    ran.touch()
    planted = _HELD.format(ran=str(ran), gate=str(gate))
    held = (*arguments, "--max-wait", str(_MAX_WAIT_S))
    with served(folder, *held, before=planted) as service:
        figures = asyncio.run(_with_workers_held(service, ran, gate, amounts))
        assert not service.failures(), service.failures()[:3]
    if amounts["seconds"]:
        with served(folder, *arguments) as service:
            figures |= asyncio.run(_measured(service, amounts, drawn))
            assert not service.failures(), service.failures()[:3]
    return figures


def _tenants(folder: Path) -> tuple[str, ...]:
    """Lay out a knowledge base for each of two tenants; return what the command is told of them."""
    first = sample_kb(folder / "kbs" / _QUIET)
    shutil.copytree(first, folder / "kbs" / _FLOOD)
    keys = write_keys(folder / "keys.toml", (_QUIET, _FLOOD))
    return ("--tenants", str(folder / "kbs"), "--keys", str(keys))


# -- with workers held ---------------------------------------------------------------------------


async def _with_workers_held(
    service: Served, ran: Path, gate: Path, amounts: Amounts
) -> dict[str, int | float | str]:
    asker = Asker(service.url)
    for tenant in (_QUIET, _FLOOD):  # how long a search takes is known from now on
        for _ in range(10):
            assert await asker.search(tenant, "What is a pump?") == 200
    order, in_turn = await _each_in_its_turn(asker, ran, gate, amounts)
    late, refused = await _nobody_waits_for_long(asker, ran, gate, amounts)
    await asker.close()
    return {"held: run": len(order), "in turn": in_turn, "late": late, "refused": refused}


async def _each_in_its_turn(
    asker: Asker, ran: Path, gate: Path, amounts: Amounts
) -> tuple[list[str], int]:
    """One tenant floods, then another asks thrice: its turns come as if both had asked thrice."""
    gate.touch()
    before = len(_lines(ran))
    flood = await _ask(asker, _FLOOD, "in turn", amounts["flood"])
    quiet = await _ask(asker, _QUIET, "in turn", 3)
    await _health(asker)
    gate.unlink()
    statuses = Counter(await asyncio.gather(*flood, *quiet))
    assert set(statuses) <= {200, 429, 503}, statuses
    order = [line.split()[0] for line in _lines(ran)[before:]]
    assert len(order) == statuses[200], (len(order), statuses)
    places = [at for at, tenant in enumerate(order) if tenant == _QUIET]
    assert places, "the tenant that does not flood was not served"
    for count, at in enumerate(places, 1):
        # Held workers have what came first; from then on it is one for one, by what each takes.
        assert at <= Limits().search_workers + 2 * count + 2, order
    return order, places[-1]


async def _nobody_waits_for_long(
    asker: Asker, ran: Path, gate: Path, amounts: Amounts
) -> tuple[int, int]:
    """Who waits past the deadline, or is refused, is answered while workers are held, not run."""
    gate.touch()
    before = len(_lines(ran))
    tasks = await _ask(asker, _FLOOD, "for long", amounts["flood"])
    workers = Limits().search_workers
    pending = set(tasks)
    statuses: Counter[int] = Counter()
    while len(pending) > workers:  # all but those that run
        done, pending = await asyncio.wait(
            pending, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        assert done, "who waits is not answered"
        statuses.update(task.result() for task in done)
        await _health(asker)
    assert set(statuses) <= {429, 503}, statuses
    refused = await asker.search(_FLOOD, "refused at once")
    assert refused in {429, 503}, "workers are held for ever, and one more is let in"
    gate.unlink()
    assert await asyncio.gather(*pending) == [200] * workers
    run = _lines(ran)[before:]
    assert len(run) == workers, (run, statuses)
    return statuses[503], statuses[429]


async def _ask(asker: Asker, tenant: str, what: str, count: int) -> list[asyncio.Task[int]]:
    """Send requests, and return when each of them runs, waits or is answered."""
    before = _under_way(await asker.figures())
    tasks = [
        asyncio.create_task(asker.search(tenant, f"{what}: {tenant} {number}"))
        for number in range(count)
    ]
    while _under_way(await asker.figures()) - before + sum(task.done() for task in tasks) < count:
        await asyncio.sleep(0.01)
    return tasks


async def _health(asker: Asker) -> None:
    assert await asyncio.wait_for(asker.health(), PATIENCE_S) == 200


def _under_way(figures: str) -> int:
    found = re.search(r'^rag_engine_jobs\{pool="search"\} (\S+)$', figures, re.MULTILINE)
    assert found
    return int(float(found[1]))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


# -- measured ------------------------------------------------------------------------------------


async def _measured(
    service: Served, amounts: Amounts, drawn: random.Random
) -> dict[str, int | float | str]:
    asker, seconds = Asker(service.url), amounts["seconds"]
    cores = os.cpu_count() or 1
    await closed_loop(asker, _QUIET, cores, 5.0, drawn)  # warm-up
    closed = await closed_loop(asker, _QUIET, 2 * cores, seconds / 2, drawn)
    capacity = sum(reply.status == 200 for reply in closed) / (seconds / 2)
    figures: dict[str, int | float | str] = {"capacity a second": round(capacity, 1)}
    problems: list[str] = []
    async with _watched(asker) as health:
        # Both tenants alike, so that the queues are those that any service has.
        usual = await open_loop(asker, _both(_BASELINE * capacity), seconds, drawn)
    base = percentile(_accepted(usual), 0.99)
    figures |= _told("70 %", usual, health)
    for load in (1.2, 2.0):
        async with _watched(asker) as health:
            replies = await open_loop(asker, _both(load * capacity), seconds, drawn)
        name = f"{load:.0%}".replace("%", " %")
        figures |= _told(name, replies, health, base)
        problems += _wrong(name, replies, health, base, amounts)
    after = await open_loop(asker, _both(_BASELINE * capacity), 2 * _RECOVERS_S, drawn)
    late = [reply for reply in after if reply.at >= _RECOVERS_S]
    figures |= _told("after it", late, [], base)
    if not percentile(_accepted(late), 0.99) <= amounts["back_percent"] / 100 * base:
        problems.append(f"{_RECOVERS_S:.0f} s after the load it is not as before")
    share = capacity / 2
    async with _watched(asker) as health:
        rates = {_QUIET: _BASELINE * share, _FLOOD: 5 * share}
        replies = await open_loop(asker, rates, seconds, drawn)
    quiet = [reply for reply in replies if reply.tenant == _QUIET]
    figures |= _told("beside a flood", quiet, health, base)
    problems += _wrong("beside a flood", quiet, health, base, amounts)
    lost = sum(reply.status != 200 for reply in quiet) / len(quiet)
    if lost > amounts["lost_percent"] / 100:
        problems.append(f"{lost:.0%} of a tenant within its share were refused beside a flood")
    await asker.close()
    assert not problems, ("; ".join(problems), figures)
    return figures


def _both(rate: float) -> dict[str, float]:
    return {_QUIET: rate / 2, _FLOOD: rate / 2}


@asynccontextmanager
async def _watched(asker: Asker) -> AsyncIterator[list[float]]:
    """Ask for health all the while; yield what it took."""
    seconds: list[float] = []
    watching = asyncio.create_task(watch_health(asker, seconds))
    try:
        yield seconds
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def _accepted(replies: Sequence[Reply]) -> list[float]:
    return [reply.seconds for reply in replies if reply.status == 200]


def _refused(replies: Sequence[Reply]) -> list[float]:
    return [reply.seconds for reply in replies if reply.status != 200]


def _told(
    name: str, replies: Sequence[Reply], health: Sequence[float], base: float | None = None
) -> dict[str, int | float | str]:
    """Return what is printed of a phase, milliseconds."""
    accepted, refused = _accepted(replies), _refused(replies)
    p99 = percentile(accepted, 0.99)
    told: dict[str, int | float | str] = {
        f"{name}: accepted": len(accepted),
        "p50 ms": round(percentile(accepted, 0.5) * 1e3, 1),
        "p99 ms": round(p99 * 1e3, 1),
    }
    if base is not None:
        told["times the baseline"] = round(p99 / base, 2)
    told["refused"] = len(refused)
    if refused:
        told["refused p99 ms"] = round(percentile(refused, 0.99) * 1e3, 1)
    if health:
        told["health p99 ms"] = round(percentile(health, 0.99) * 1e3, 1)
    return {key if key.startswith(name) else f"{name}: {key}": value for key, value in told.items()}


def _wrong(
    name: str,
    replies: Sequence[Reply],
    health: Sequence[float],
    base: float,
    amounts: Amounts,
) -> list[str]:
    """Return what does not hold of a phase."""
    problems = []
    statuses = Counter(reply.status for reply in replies)
    if not set(statuses) <= {200, 429, 503}:
        problems.append(f"{name}: answers {dict(statuses)}")
    if not percentile(_accepted(replies), 0.99) <= _SLOWER * base:
        problems.append(f"{name}: those who are answered wait {_SLOWER:.0f} times as long")
    refused = _refused(replies)
    # Where a machine is so busy that searches themselves take longer, so may those who waited.
    if refused and percentile(refused, 0.99) > max(amounts["refusal_ms"] / 1e3, base):
        problems.append(f"{name}: refusals are slow")
    if percentile(health, 0.99) > amounts["health_ms"] / 1e3:
        problems.append(f"{name}: health is slow")
    return problems


TRIAL = Trial(
    name="overload",
    what="workers held, then 120 and 200 % of capacity in an open loop, and a tenant that floods",
    holds="who is answered takes at most 3 times the usual p99, who is refused hears it within a "
    "second and was never run, health answers, each tenant gets its turn",
    small={"flood": 24, "seconds": 0},
    full={
        "flood": 60,
        "seconds": 40,
        "refusal_ms": 1_000,
        "health_ms": 200,
        "back_percent": 150,
        "lost_percent": 10,
    },
    run=_run,
)
