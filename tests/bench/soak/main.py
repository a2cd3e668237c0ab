"""scripts/bench soak: an hour of everything on two nodes, and what is left of it.

Two nodes share one PostgreSQL and one folder of images, all on loopback. Uploads, C-STORE, worklist queries, HL7, FHIR,
viewing, reports and deletions go on at a steady pace (`tests.bench.soak.plan`). Node B is killed (-9) every ten minutes
and started again, PostgreSQL is stopped and started once, node A is never touched. Who is not answered tries again, as
a sender does; each such call is counted. At the end everything that was answered with success is looked for, and for
anything double. The exit code is 1 when a claim does not hold.

Times are compared with those of the same viewer before, alone. Where they are too long they say nothing when the
processors were busier than 60 % of the time, because something else may have had them: that is not judged.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.listing import postgres
from tests.bench.soak import checks
from tests.bench.soak.checks import Claim
from tests.bench.soak.ledger import Ledger
from tests.bench.soak.people import People
from tests.bench.soak.plan import Plan
from tests.bench.soak.trying import Steadily
from tests.bench.soak.viewing import Viewer, p95
from tests.bench.soak.watching import BESIDE, ORTHANC, Watch, course, growth
from tests.bench.soak.world import Disturbances, World, say
from tests.conftest import PostgresCluster

MOST_OF_OTHERS = 0.2
"""Of the processors: what else runs may have taken more, and be why views were slow."""
MOST_FAILED = 0.01
MOST_GROWTH = 0.05
MOST_TIMES = 2.0
FEW = 4
"""Files or threads more that are no growth."""
MOST_TOLD = 200
"""Calls that are told of one by one."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of a run."""

    during: list[Claim]
    after: list[Claim]
    """What was left: nothing lost, nothing double. These depend on no speed."""
    numbers: dict[str, Any]

    @property
    def claims(self) -> list[Claim]:
        return [*self.during, *self.after]


def main(arguments: Sequence[str]) -> int:
    """Run and print; the last line is JSON. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description="Two nodes under load for an hour.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kill-every", type=float, metavar="MINUTES", help="10; at least once in a run")
    parser.add_argument("--quiet", type=float, metavar="SECONDS", default=60.0, help="how long views are timed alone")
    parser.add_argument("--pace", type=float, default=1.0, help="this many times as much of everything")
    parser.add_argument("--no-restart", action="store_true", help="PostgreSQL is left alone")
    parser.add_argument("--database", choices=("postgresql",), default="postgresql", help="nodes share no other")
    options = parser.parse_args(arguments)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # associations that fail are counted
    every = options.kill_every or min(10.0, options.minutes / 2)
    plan = Plan(options.minutes * 60, every * 60, quiet=options.quiet, restarts_postgresql=not options.no_restart)
    plan.rates.update({name: rate * options.pace for name, rate in plan.rates.items()})
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-soak-") as folder, postgres() as cluster:
        soaked = soak(plan, Path(folder), cluster)
    print(table(soaked))
    print(json.dumps(soaked.numbers | {"claims": {one.name: one.holds for one in soaked.claims}}))
    return 1 if any(one.holds is False for one in soaked.claims) else 0


def soak(plan: Plan, folder: Path, cluster: PostgresCluster, template: str | None = None) -> Soaked:
    """One run, on new databases or on copies of `template`; both nodes have ended afterwards."""
    world, ledger = World(folder, cluster, template), Ledger()
    try:
        say("two nodes start")
        world.start()
        people = People(world, plan, ledger)
        seen = people.study(plan.images * 2)
        image = next(iter(seen.images))
        with _viewer(Viewer(world.a.url, seen.uid, seen.series, image, world.day_token(seen.uid))) as viewer:
            say("the viewer alone")
            alone, _ = viewer.timed_for(plan.quiet)
            during, numbers = _busy_hour(plan, world, ledger, people, viewer, p95(alone))
        say(f"tried again: {dict(ledger.reasons().most_common())}")
        after = []
        for claim in checks.what_is_there(world, ledger):
            say(f"{claim.name}: {claim.holds}, {claim.note}")
            after.append(claim)
        codes = world.stop()
        after.append(Claim("both nodes end as they should", codes == [0, 0], f"exit codes {codes}"))
        return Soaked(during, after, numbers)
    finally:
        world.end()


@contextmanager
def _viewer(viewer: Viewer) -> Iterator[Viewer]:
    try:
        yield viewer
    finally:
        viewer.close()


def _busy_hour(
    plan: Plan, world: World, ledger: Ledger, people: People, viewer: Viewer, alone: float
) -> tuple[list[Claim], dict[str, Any]]:
    ending = threading.Event()
    actors = [Steadily(name, act, plan.rates[name], ending) for name, act in people.acts()]
    watch, disturbances = Watch(world.a), Disturbances(world, plan, ledger, ending)
    say("everything at once")
    ledger.begun = time.monotonic()
    viewer.begin()
    for one in (watch, disturbances, *actors):
        one.start()
    try:
        time.sleep(plan.seconds)
        disturbances.join()
    finally:
        ending.set()
        disturbances.join()  # it starts a node that nobody would end
    say("each ends what it has begun")
    for one in actors:
        one.join()
    busy, ours = watch.stop()
    taken, failures = viewer.end()
    seconds = time.monotonic() - ledger.begun
    numbers = {
        "seconds": round(seconds),
        "kills": disturbances.kills,
        "restarts_of_postgresql": disturbances.restarts,
        "done": dict(sorted(ledger.done.items())),
        "slowest_s": {name: round(value, 1) for name, value in sorted(ledger.slowest.items())},
        "tried_again": dict(ledger.reasons().most_common()),
        "views_timed": len(taken),
        "views_failed": failures,
        "view_p95_alone_ms": round(alone, 1),
        "view_p95_ms": round(p95(taken), 1),
        "processors_busy": round(busy, 2),
        "processors_busy_with_this": round(ours, 2),
    }
    faults = [f"{one.name}: {one.fault!r}" for one in actors if one.fault is not None]
    faults += [f"disturbances: {disturbances.fault!r}"] if disturbances.fault is not None else []
    surprises = [ledger.told(one) for one in ledger.troubles if one.is_surprise]
    unexplained = [ledger.told(one) for one in ledger.unexplained()]
    numbers["disturbed_s"] = [f"{by}: {a - ledger.begun:.0f} to {b - ledger.begun:.0f}" for a, b, by in ledger.windows]
    numbers["surprises"], numbers["unexplained"] = surprises[:MOST_TOLD], unexplained[:MOST_TOLD]
    calls = ledger.done.total()
    claims = [
        checks.judged("everybody could go on to the end", faults, len(actors), "senders"),
        checks.judged("no call was refused for another reason than what was down", surprises, calls, "calls"),
        checks.judged("no call failed while everything ran", unexplained, calls, "calls"),
        Claim("node A was never restarted", len(watch.orthancs) == 1, f"{len(watch.orthancs)} processes seen"),
        _answered(plan, len(taken), failures),
        _speed(plan, alone, p95(taken), busy, ours),
        *_growths(plan, watch, numbers),
    ]
    return claims, numbers


def _answered(plan: Plan, taken: int, failures: int) -> Claim:
    """Node A is never killed, so only what needs PostgreSQL fails, while that starts again."""
    holds = taken > 0 and failures <= MOST_FAILED * taken
    return Claim(
        "views are answered", holds if plan.judges_speed or not taken else None, f"{taken} of {taken + failures}"
    )


def _speed(plan: Plan, alone: float, beside: float, busy: float, ours: float) -> Claim:
    note = f"p95 {beside:.0f} ms, {alone:.0f} alone; processors {busy:.0%} busy, {ours:.0%} with this"
    holds = 0 < beside <= MOST_TIMES * alone
    is_judged = plan.judges_speed and (holds or busy - ours <= MOST_OF_OTHERS)
    return Claim("views take at most twice as long", holds if is_judged else None, note)


def _growths(plan: Plan, watch: Watch, numbers: dict[str, Any]) -> Iterator[Claim]:
    for label in (ORTHANC, BESIDE):
        samples = watch.samples[label]
        numbers[f"megabytes of {label}, by tenths"] = course(samples)
        for column in ("megabytes", "files", "threads"):
            start, share = growth(samples, column)
            numbers[f"{column} of {label}"] = [round(start, 1), round(share, 4)]
            holds = share < MOST_GROWTH or (column != "megabytes" and share * start < FEW)
            name = f"A, {label}: {column} do not grow"
            note = f"{start:.0f}, in the last two thirds {share:+.1%}"
            yield Claim(name, holds if plan.judges_growth else None, note)


def table(soaked: Soaked) -> str:
    """One line per claim, then the numbers."""
    words = {True: "holds", False: "FAILS", None: "not judged"}
    width = max(len(one.name) for one in soaked.claims)
    lines = [f"{one.name:<{width}}  {words[one.holds]:<10}  {one.note}" for one in soaked.claims]
    return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in soaked.numbers.items())])
