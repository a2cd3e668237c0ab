"""Orders of the public people for `scripts/bench orders`, by the thousand, in one database."""

from __future__ import annotations

import contextlib
import io
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path
from types import ModuleType

from sqlalchemy import insert

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, ScheduledStep
from ehr_bridge.matching import HeaderIdentity, PatientFacts
from tests.bench.headers import Sample, accented, samples
from tests.bench.linkage import header_of, patient_of
from tests.bench.people import BATCH, NOW, gather_statistics, person_id, write_patients

MODALITIES = ("CT", "MR", "US", "CR", "NM", "MG")
FIRST_DAY = date(2026, 1, 5)
MAKERS_DAY = date(2027, 6, 1)
"""Far from the other orders of the same people: a header without accession number must mean one."""
OF_EACH = 100
"""Orders for each header of a maker."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, its patient, and what a person who types it by hand makes of the patient."""

    id: uuid.UUID
    accession_number: str
    uid: str
    modality: str
    day: date
    patient: PatientFacts
    typed: HeaderIdentity | None
    sample: Sample | None = None
    own_ids: tuple[str, str] | None = None
    """Requested procedure and step, where the EHR tells them."""


def people_of(tool: ModuleType, folder: Path, seed: int) -> tuple[list[PatientFacts], dict[uuid.UUID, HeaderIdentity]]:
    """FEBRL's people with twins and namesakes, and how each was typed a second time."""
    with contextlib.redirect_stdout(io.StringIO()):
        tool.build(str(folder), "febrl4", "hard", "full", seed, None, 0.0, 0.0)
    patients, headers, truth = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("patients", "headers", "truth")
    )
    chance = random.Random(f"{seed}/people")
    sexes, issuers = ("female", "male", "unknown"), (None, "HOSP")
    people = [replace(patient_of(row), sex=chance.choice(sexes), issuer=chance.choice(issuers)) for row in patients]
    people[::3] = [
        replace(
            one, family_name=accented(one.family_name or "") or None, given_name=accented(one.given_name or "") or None
        )
        for one in people[::3]
    ]
    typed = {person_id(truth[row["header_id"]]["patient_id"]): header_of(row) for row in headers}
    return people, typed


def orders_of(
    people: Sequence[PatientFacts], typed: dict[uuid.UUID, HeaderIdentity], count: int, chance: random.Random
) -> list[Placed]:
    """That many orders, spread over the people; nobody has two of one modality."""
    most = len(people) * len(MODALITIES)
    if count > most:
        raise SystemExit(f"orders: at most {most}, one of each modality for each of {len(people)} people")
    orders = []
    for number in range(count):
        patient, modality = people[number % len(people)], MODALITIES[number // len(people)]
        orders.append(
            Placed(
                id=uuid.uuid5(uuid.NAMESPACE_OID, f"order {number}"),
                accession_number=f"A{2_600_000 + number * 7}",
                uid=f"1.2.826.0.9.{number}",
                modality=modality,
                day=FIRST_DAY + timedelta(days=chance.randrange(300)),
                patient=patient,
                typed=typed.get(patient.id),
            )
        )
    return orders


def orders_of_makers(people: Sequence[PatientFacts]) -> list[Placed]:
    """One order for each of some people, spread over the headers."""
    count = min(len(samples()) * OF_EACH, len(people))
    return [
        Placed(
            id=uuid.uuid5(uuid.NAMESPACE_OID, f"made {number}"),
            accession_number=f"M{7_100_000 + number * 7}",
            uid=f"1.2.826.0.8.{number}",
            modality=samples()[number % len(samples())].modality,
            day=MAKERS_DAY,
            patient=people[number],
            typed=None,
            sample=samples()[number % len(samples())],
            own_ids=(f"RP-{number}", f"SPS-{number}") if number % 2 else None,
        )
        for number in range(count)
    ]


def write_orders(database: Database, people: Sequence[PatientFacts], orders: Sequence[Placed]) -> None:
    write_patients(database, people)
    for some in batched(orders, BATCH, strict=False):
        rows = [
            {
                "id": one.id,
                "accession_number": one.accession_number,
                "patient_id": one.patient.id,
                "description": f"{one.modality} examination",
                "requested_procedure_id": one.own_ids[0] if one.own_ids else None,
                "status": "scheduled",
                "scheduled_study_instance_uid": one.uid,
                "study_instance_uid": one.uid,
                "created_at": NOW,
                "updated_at": NOW,
            }
            for one in some
        ]
        steps = [
            {
                "order_id": one.id,
                "position": 0,
                "modality": one.modality,
                "scheduled_procedure_step_id": one.own_ids[1] if one.own_ids else None,
                "scheduled_at": datetime(one.day.year, one.day.month, one.day.day, 9, tzinfo=UTC),
            }
            for one in some
        ]
        with database.write() as session:
            session.execute(insert(Order), rows)
            session.execute(insert(ScheduledStep), steps)
    gather_statistics(database)
