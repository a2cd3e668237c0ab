"""scripts/bench orders: how many studies of ordinary orders are linked without a person, and how many wrongly.

People are the public FEBRL ones with their twins and namesakes, as `scripts/bench linkage` has them; every one of them
has orders of several modalities, all in one database, and each order's study is put to the very judge of arrivals. On
SQLite and on PostgreSQL, with the same studies.

* Well-formed: accession number and patient ID are right. The rest is as modalities write it: names in capitals or small
  letters, with empty components, an initial or a title; birth date, sex or name missing; the worklist's UID or one of
  their own; an issuer or none. At least 99.9 % must be linked to the right order, and none to another.
* Headers of makers: as published files of a dozen makers have them (`data/headers.json`), only the identity replaced:
  steps and study UIDs of other systems, issuers, padded numbers, capitals, letters spelled out, no accession number.
  Half of the orders have ids of their own. At least 99 % of each maker must be linked rightly, and none wrongly.
* Numbers of others: the patient is right, the accession number is of another system (the study belongs to the patient,
  and answers no order), or accession number or step are of somebody else's order (a person must look). At least 98 %
  of each must come out like that, and nothing may be linked to anybody else.
* A day: the same with a share of studies that come without an accession number, of headers typed by hand (FEBRL's own
  errors in name, birth date and number, with the right accession number) and of people nobody knows yet. The shares
  are in the output. More than 90 % must be linked rightly; those that are not wait for a person.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import batched
from pathlib import Path
from uuid import UUID

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.matching import Basis, HeaderIdentity, PatientFacts, Rules
from ehr_bridge.services.intake.prediction import Matching
from tests.bench.headers import filled, identity_of
from tests.bench.linkage import AT_ONCE, TOOL, load
from tests.bench.listing import empty_postgres, given
from tests.bench.people import judge_all
from tests.bench.placed import Placed, orders_of, orders_of_makers, people_of, write_orders

WELL_FORMED, MAKERS, OTHERS, DAY = "well-formed", "headers of makers", "numbers of others", "a day"
MIX = {"worklist": 0.80, "no accession number": 0.08, "typed by hand": 0.08, "unknown person": 0.04}
"""What comes on a day."""
LEAST = {WELL_FORMED: 0.999, MAKERS: 0.99, OTHERS: 0.98, DAY: 0.90}
"""Of all studies (of each kind where `PER_KIND` says so), how many must be linked without a person, and rightly."""
PER_KIND = (MAKERS, OTHERS)

type Home = tuple[UUID | None, UUID | None]
"""Patient and order that a study is linked to."""
NOBODY: Home = (None, None)
type Study = tuple[str, Home, HeaderIdentity]
"""Its kind, where it belongs, and what it says."""


def main(arguments: Sequence[str]) -> int:
    """Judge and count on both databases; the last line is JSON. Returns the exit code: 1 where a target is missed."""
    options = _parse(arguments)
    rules = Rules(automatic=Basis(options.automatic))
    chance = random.Random(options.seed)
    results = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        people, typed = people_of(load(options.tool), Path(folder) / "people", options.seed)
        orders = orders_of(people, typed, options.orders, chance)
        of_makers = orders_of_makers(people)
        studies = {
            WELL_FORMED: [(WELL_FORMED, home(one), well_formed(one, chance)) for one in orders],
            MAKERS: [(one.sample.maker, home(one), _made(one, chance)) for one in of_makers if one.sample],
            DAY: [(kind := _kind(one, chance), home(one), DAYS[kind](one, chance)) for one in orders],
            OTHERS: [_of_others(one, chance.choice(orders), chance) for one in orders],
        }
        print(f"orders: {len(orders)} of {len(people)} people, automatic={rules.automatic}, seed {options.seed}")
        for name, url in (("SQLite", f"sqlite:///{folder}/orders.sqlite3"), ("PostgreSQL", None)):
            print(f" {name}")
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                write_orders(database, people, [*orders, *of_makers])
                matching = Matching(database, rules)
                results[name] = {what: _judge(matching, some) for what, some in studies.items()}
                database.dispose()
    missed = [
        f"{what} on {name}"
        for name, counts in results.items()
        for what, least in LEAST.items()
        if counts[what]["least" if what in PER_KIND else "share"] < least or counts[what]["wrong"]
    ]
    print(f"mix of {DAY}: {', '.join(f'{share:.0%} {kind}' for kind, share in MIX.items())}")
    print("missed: " + ", ".join(missed) if missed else "all targets are met on both databases")
    print(json.dumps(results))
    return 1 if missed else 0


def home(one: Placed) -> Home:
    return one.patient.id, one.id


def _judge(matching: Matching, studies: Sequence[Study]) -> dict[str, float]:
    """How many were linked rightly and wrongly, by kind on the screen, in all as the answer."""
    counts: Counter[tuple[str, str]] = Counter()
    begin = time.perf_counter()
    for some in batched(studies, AT_ONCE, strict=False):
        for (kind, belongs, _), match in zip(some, judge_all(matching, (header for _, _, header in some)), strict=True):
            found = (match.patient_id, match.order_id) if match.is_automatic else NOBODY
            counts[kind, "right" if found == belongs else "wrong" if match.is_automatic else "left to people"] += 1
    took = (time.perf_counter() - begin) * 1000 / len(studies)
    shares = []
    for kind in sorted({kind for kind, _ in counts}):
        verdicts = {verdict: counts[kind, verdict] for verdict in ("right", "wrong", "left to people")}
        share = verdicts["right"] / sum(verdicts.values())
        shares.append(round(share, 5))
        print(f"  {kind:<20} {share:8.3%} linked rightly  {verdicts}", flush=True)
    right, wrong = (sum(n for (_, verdict), n in counts.items() if verdict == name) for name in ("right", "wrong"))
    share = round(right / len(studies), 5)
    print(f"  in all               {share:8.3%} of {len(studies)} linked rightly, {wrong} wrongly, {took:.2f} ms each")
    return {"studies": len(studies), "right": right, "wrong": wrong, "share": share, "least": min(shares)}


def well_formed(one: Placed, chance: random.Random) -> HeaderIdentity:
    """Number and patient are right; everything else is as modalities write it."""
    patient = one.patient
    born = f"{patient.birth_date:%Y%m%d}" if patient.birth_date and chance.random() > 0.07 else ""
    sex = {"female": "F", "male": "M"}.get(patient.sex, "")
    return HeaderIdentity(
        study_instance_uid=one.uid if chance.random() < 0.7 else f"1.2.826.0.1.{chance.getrandbits(64)}",
        accession_number=one.accession_number,
        patient_id=patient.mrn,
        issuer_of_patient_id=chance.choice(("", "", patient.issuer or "")),
        patient_name=_written(patient, chance),
        patient_birth_date=born,
        patient_sex=chance.choice((sex, sex, sex, "")),
        scheduled_procedure_step_id=one.accession_number if chance.random() < 0.3 else "",
        modality=one.modality,
        study_date=f"{one.day + timedelta(days=chance.choice((0, 0, 0, 1))):%Y%m%d}",
    )


def _written(patient: PatientFacts, chance: random.Random) -> str:
    family, given = patient.family_name or "", patient.given_name or ""
    plain = f"{family}^{given}".rstrip("^")
    ways = (plain.upper(), plain.upper(), plain.upper(), plain.title(), plain, f"{family}^{given}^^^".upper())
    way = chance.choice((*ways, f"{family}^{given}^^^MRS".upper(), f"{family}^{given}^A".upper(), ""))
    return way if plain else ""


def _made(one: Placed, chance: random.Random) -> HeaderIdentity:
    """As this maker's modality wrote it."""
    assert one.sample is not None
    return identity_of(filled(one.sample, one.patient, one.accession_number, chance), f"{one.day:%Y%m%d}")


def _without_number(one: Placed, chance: random.Random) -> HeaderIdentity:
    """Made at a modality without a worklist: the patient is right, nobody typed the number."""
    return replace(
        well_formed(one, chance),
        study_instance_uid=f"1.2.826.0.2.{chance.getrandbits(64)}",
        accession_number="",
        scheduled_procedure_step_id="",
    )


def _typed(one: Placed, chance: random.Random) -> HeaderIdentity:
    assert one.typed is not None
    return replace(
        one.typed,
        study_instance_uid=f"1.2.826.0.3.{chance.getrandbits(64)}",
        accession_number=one.accession_number,
        modality=one.modality,
        study_date=f"{one.day:%Y%m%d}",
    )


def _of_others(one: Placed, other: Placed, chance: random.Random) -> Study:
    """The patient is right; the accession number, or the step beside it, is not one of an order of theirs."""
    step, number = f"SPS{chance.getrandbits(24)}", f"RIS{chance.getrandbits(32)}"
    header = replace(
        well_formed(one, chance),
        study_instance_uid=f"1.2.826.0.5.{chance.getrandbits(64)}",
        accession_number=number,
        scheduled_procedure_step_id=step,
    )
    kind = chance.randrange(3) if other.patient.id != one.patient.id else 0
    if kind == 0:
        return "number of no order", (one.patient.id, None), header
    if kind == 1:
        return "number of another's", NOBODY, replace(header, accession_number=other.accession_number)
    return "step of another's", NOBODY, replace(header, scheduled_procedure_step_id=other.accession_number)


def _unknown(one: Placed, chance: random.Random) -> HeaderIdentity:
    """An emergency: a number of the moment, no name that says anything."""
    return HeaderIdentity(
        study_instance_uid=f"1.2.826.0.4.{chance.getrandbits(64)}",
        accession_number="",
        patient_id=f"TMP{chance.getrandbits(40)}",
        issuer_of_patient_id="",
        patient_name="UNKNOWN^MALE",
        patient_birth_date="",
        patient_sex="M",
        modality=one.modality,
        study_date=f"{one.day:%Y%m%d}",
    )


DAYS: dict[str, Callable[[Placed, random.Random], HeaderIdentity]] = {
    "worklist": well_formed,
    "no accession number": _without_number,
    "typed by hand": _typed,
    "unknown person": _unknown,
}


def _kind(one: Placed, chance: random.Random) -> str:
    kind = chance.choices(list(MIX), list(MIX.values()))[0]
    return "worklist" if kind == "typed by hand" and one.typed is None else kind


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench orders", description="Count links of ordinary orders.")
    parser.add_argument("--tool", type=Path, default=TOOL, help="the scorer, which knows the public people")
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--automatic", choices=[str(basis) for basis in list(Basis)[:4]], default="patient_id")
    options = parser.parse_args(arguments)
    if not options.tool.is_file():
        parser.error(f"there is no scorer at {options.tool}; name it with --tool or LINKAGE_EVAL")
    return options
