"""How long a verdict takes among 100,000 patients, on both databases: look-up, comparison, everything.

Names follow the shape of real ones (few surnames that many share, many that few have), birth dates eighty years. Asked
is a fixed mix: the very patient, the number alone mistyped, no number, a slip in name or birth date, exchanged names,
somebody nobody knows. Reported is the slower database's 95th percentile.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.matching import HeaderIdentity, PatientFacts, Rules
from ehr_bridge.services.intake.prediction import Matching
from tests.bench.listing import empty_postgres, given
from tests.bench.people import judge_all, person_id, write_patients
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed

PATIENTS = 100_000
NAME = "match_p95_ms_at_100k_patients"
BEGINNINGS = (
    "Lind",
    "Berg",
    "Sjö",
    "Ek",
    "Ny",
    "Dal",
    "Holm",
    "Mül",
    "Sør",
    "Kow",
    "Ferr",
    "Gar",
    "Zie",
    "O'Br",
    "Tan",
)
MIDDLES = ("", "a", "en", "is", "ol", "ur", "et")
ENDINGS = ("qvist", "man", "ler", "eira", "ström", "sen", "gren", "cia", "holz", "ski", "ova", "ien")
SURNAMES = [a + b + c for a in BEGINNINGS for b in MIDDLES for c in ENDINGS]
GIVEN = [
    a + b for a in ("An", "Ma", "Jo", "Li", "Ka", "El", "So", "Tho", "Ni", "Pe", "Ol", "Zo") for b in MIDDLES + ENDINGS
]


def time_matches(plan: Plan) -> Time:
    """The 95th percentile of one verdict, in milliseconds, on the slower of both databases."""
    people = [_person(number) for number in range(PATIENTS)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for name, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                write_patients(database, people)
                results[name] = _run(Matching(database, Rules()), people, max(plan.iterations // 10, 400))
                database.dispose()
    notes = [f"{name} p50 {statistics.median(times):.1f} p95 {_p95(times):.1f} ms" for name, times in results.items()]
    return Time(NAME, max(map(_p95, results.values())), ", ".join(notes), unit="ms")


def _run(matching: Matching, people: list[PatientFacts], count: int) -> list[float]:
    """Milliseconds of `count` verdicts. Raises Failed when the very patient is not found."""
    chance = random.Random(7)
    times = []
    for number in range(count):
        person = chance.choice(people)
        header = MIX[number % len(MIX)](person)
        begin = time.perf_counter()
        (match,) = judge_all(matching, [header])
        times.append((time.perf_counter() - begin) * 1000)
        if number % len(MIX) == 0 and match.patient_id != person.id:
            raise Failed(f"a patient is not found by everything the EHR knows: {match.kind}")
    return times[len(MIX) :]


def _header(person: PatientFacts, number: str, family: str, first: str, born: date | None) -> HeaderIdentity:
    sex = "F" if person.sex == "female" else "M"
    return HeaderIdentity("", "", number, "", f"{family}^{first}".upper(), f"{born:%Y%m%d}" if born else "", sex)


def _ask(
    number: Callable[[str], str] = str,
    name: Callable[[str, str], tuple[str, str]] = lambda family, first: (family, first),
    born: Callable[[date], date | None] = lambda day: day,
) -> Callable[[PatientFacts], HeaderIdentity]:
    def header(person: PatientFacts) -> HeaderIdentity:
        family, first = name(person.family_name or "", person.given_name or "")
        assert person.birth_date is not None
        return _header(person, number(person.mrn), family, first, born(person.birth_date))

    return header


MIX = (
    _ask(),
    _ask(number=lambda mrn: mrn[:-2] + mrn[-1] + mrn[-2]),
    _ask(number=lambda _: ""),
    _ask(number=lambda _: "", name=lambda family, first: (family[:-1], first)),
    _ask(number=lambda _: "", born=lambda day: day + timedelta(days=1)),
    _ask(number=lambda _: "", name=lambda family, first: (first, family)),
    _ask(number=lambda _: "", born=lambda _: None),
    _ask(number=lambda _: "X-1", name=lambda *_: ("Quarterman", "Zebediah")),
)
"""What headers say."""


def _person(number: int) -> PatientFacts:
    chance = random.Random(number)
    family = SURNAMES[min(int(chance.expovariate(1 / 120)), len(SURNAMES) - 1)]
    first = GIVEN[min(int(chance.expovariate(1 / 30)), len(GIVEN) - 1)]
    born = date(1940, 1, 1) + timedelta(days=chance.randrange(29_220))
    sex = chance.choice(("female", "male"))
    return PatientFacts(person_id(str(number)), f"{1_000_000 + number * 7}", None, family, first, born, sex)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[94]
