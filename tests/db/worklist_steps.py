"""A day's worklist in the database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.services.interfaces.worklist import Worklist
from tests.support.worklist import item, query_file

NOW = datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
"""On the day on which clocks in Vienna were put forward, at 8 in the morning there."""


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def worklist(database: Database, clock: Clock | None = None, charset: str = "latin1", keep: float = 4) -> Worklist:
    return Worklist(database, clock or Clock(), "Europe/Vienna", charset, timedelta(hours=keep))


def place(
    database: Database, number: str, steps: Sequence[dict[str, Any]] = ({},), patient: Any = (), **of_order: Any
) -> uuid.UUID:
    """An order of a patient of its own, with these steps."""
    person: dict[str, Any] = {"mrn": f"MRN-{number}", "family_name": "Lindqvist", "given_name": "Åsa", "sex": "female"}
    person |= {"birth_date": date(1961, 3, 14), **dict(patient)}
    told: dict[str, Any] = {"description": "Brain", "status": OrderStatus.SCHEDULED, "updated_at": NOW, **of_order}
    of_step = {"modality": "MR", "scheduled_at": NOW}
    with database.write() as session:
        row = Patient(id=uuid.uuid4(), created_at=NOW, updated_at=NOW, **person)
        order = Order(
            id=uuid.uuid4(),
            accession_number=number,
            patient_id=row.id,
            scheduled_study_instance_uid=f"2.25.{abs(hash(number))}",
            study_instance_uid=f"2.25.{abs(hash(number))}",
            created_at=NOW,
            **told,
        )
        order.steps = [ScheduledStep(position=at, **of_step | one) for at, one in enumerate(steps)]
        session.add(row)
        session.flush()
        session.add(order)
    return order.id


def asked(of: Worklist, calling: str = "CT1", charset: str = "ISO_IR 192", **keys: Any) -> list[Any]:
    """The items that answer these keys."""
    return [item(one) for one in of.find(of.read(query_file(keys, charset)), calling).items]


def numbers(of: Worklist, **keys: Any) -> list[str]:
    """Their accession numbers, sorted."""
    return sorted(one.AccessionNumber for one in asked(of, **keys))
