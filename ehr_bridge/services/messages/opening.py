"""The first question of a message, asked once for all: are these bytes known, who and what has the numbers that it
says, is anybody told of events, and where does the audit trail end. Each question is a way to the database."""

from __future__ import annotations

import uuid

from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import Session, lazyload

from ehr_bridge.db.facts import IS_HEARD, note_heard
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.hl7.reading import Act, OrderTold, Reading
from ehr_bridge.services.audit.trail import CHAIN_END, note_chain_end
from ehr_bridge.services.registry.numbers import note_records
from ehr_bridge.services.registry.told_orders import note_read

_TABLE = table_of(ReceivedMessage)
_OF_BYTES = select(_TABLE.c.id).where(_TABLE.c.source == bindparam("of_source"), _TABLE.c.sha256 == bindparam("digest"))
_ONE = select(literal(1)).subquery("one")
_OF_PATIENT = (
    select(_OF_BYTES.scalar_subquery(), IS_HEARD, *CHAIN_END, Patient)
    .select_from(_ONE)
    .outerjoin(Patient, Patient.mrn == bindparam("mrn"))
)
_NAMES_ORDER = (Order.accession_number == bindparam("number")) | (
    Order.scheduled_study_instance_uid == bindparam("uid")
)
_OF_ORDER = _OF_PATIENT.add_columns(Order).outerjoin(Order, _NAMES_ORDER).options(lazyload(Order.patient))


def known_message(session: Session, source: str, digest: str, reading: Reading | None) -> uuid.UUID | None:
    """The id of the message with these bytes of that source. What else was asked is noted where it is needed."""
    asked = {"of_source": source, "digest": digest, "mrn": None}
    if reading is not None and reading.patient is not None:
        asked["mrn"] = reading.patient.number.mrn
    placed = _only_placed(reading)
    if placed is None:
        rows = session.execute(_OF_PATIENT, asked).all()
    else:
        uid = placed.values.get("scheduled_study_instance_uid")
        rows = session.execute(_OF_ORDER, asked | {"number": placed.accession_number, "uid": uid}).all()
        orders = {row[5].id: row[5] for row in rows if row[5] is not None}
        note_read(session, str(placed.accession_number), uid, [*orders.values()])
    if asked["mrn"] is not None:
        records = {row[4].id: row[4] for row in rows if row[4] is not None}
        note_records(session, asked["mrn"], [*records.values()])
    known: uuid.UUID | None = rows[0][0]
    note_heard(session, is_heard=rows[0][1])
    note_chain_end(session, *rows[0][2:4])
    return known


def _only_placed(reading: Reading | None) -> OrderTold | None:
    """The order that a message places, if that is all it asks for."""
    if reading is None or len(reading.orders) != 1:
        return None
    (told,) = reading.orders
    return told if told.act == Act.PLACE and told.accession_number is not None else None
