"""Exports the audit trail: CSV, DICOM audit messages (PS3.15 A.5.1), FHIR R4 AuditEvent."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge import spreadsheets
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.services import audit
from ehr_bridge.services.audit.codes import DCM, code_of, outcome_of
from ehr_bridge.services.audit.trail import AuditFilters, Event, Origin

SOURCE = "orthanc-ehr-bridge"
OUR_CODES = "99EHRBRIDGE"
"""Coding scheme designator of our own codes (PS3.16 section 8)."""
OUR_SYSTEM = "urn:orthanc-ehr-bridge:audit-action"
DCM_SYSTEM = "http://dicom.nema.org/resources/ontology/DCM"
XML_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLUMNS = (
    "id", "at", "actor", "action", "outcome", "patient_id", "mrn", "issuer", "order_id", "study_instance_uid",
    "address", "detail", "previous_hash", "hash",
)  # fmt: skip


NARROWING = ("actor", "action", "patients", "order_id", "study_instance_uid")
"""Filters besides the period, whose names an export's own event tells; values may be somebody's."""


@dataclass(frozen=True, slots=True)
class Number:
    """A patient's MRN and its issuer, as far as known."""

    mrn: str
    issuer: str | None

    def __str__(self) -> str:
        """In the form of an HL7 identifier (CX): `7^^^SITE-A`."""
        return f"{self.mrn}^^^{self.issuer}" if self.issuer else self.mrn


type Numbers = Mapping[str, Number]
"""By our patient ids."""
NO_NUMBER = Number("", None)


@dataclass(frozen=True, slots=True)
class Exported:
    """A page of the trail in another format."""

    content: str
    media_type: str
    last_id: int | None
    """Where the next page begins (`after_id`); None when this was the last."""


class AuditExport:
    """Exports pages of the trail, and records the export in the trail."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        form: str,
        filters: AuditFilters,
        after_id: int,
        limit: int,
        origin: Origin,
        hidden: Set[uuid.UUID] | None,
    ) -> Exported:
        """At most `limit` events after `after_id`, oldest first, as `csv`, `dicom` or `fhir`.

        Events keep their ids. The numbers of `hidden` patients, whom the caller may not know, are left out; None hides
        all. Raises Unavailable when the database is away; then nothing is exported, since the export could not be
        recorded.
        """
        with self._database.read() as session:
            events = audit.after(session, filters, after_id, limit + 1)
            has_more, events = len(events) > limit, events[:limit]
            numbers = numbers_of(session, events, hidden)
        write, media_type = FORMS[form]
        content = write(events, numbers)
        detail = {"format": form, "count": len(events)}
        if events:
            detail |= {"first_id": events[0].id, "last_id": events[-1].id}
        if narrowed := [name for name in NARROWING if getattr(filters, name) is not None]:
            detail["filters"] = narrowed
        with self._database.write() as session:
            audit.append(session, origin, Event("audit.exported", detail=detail), self._clock())
        return Exported(content, media_type, events[-1].id if has_more else None)


def to_csv(events: Iterable[AuditEvent], numbers: Numbers) -> str:
    """One line per event after a header line, as every table that is taken away."""
    return spreadsheets.BEGINNING + spreadsheets.lines([COLUMNS, *(_cells(event, numbers) for event in events)])


def _cells(event: AuditEvent, numbers: Numbers) -> list[Any]:
    values = {name: getattr(event, name) for name in COLUMNS if name not in ("mrn", "issuer")}
    number = numbers.get(event.patient_id or "", NO_NUMBER)
    values |= {"mrn": number.mrn, "issuer": number.issuer}
    values |= {"at": _moment(event.at), "detail": json.dumps(event.detail)}
    return [values[name] for name in COLUMNS]


def to_dicom(events: Iterable[AuditEvent], numbers: Numbers) -> str:
    """`<AuditMessages>` around one `<AuditMessage>` per event, each by the schema of PS3.15 A.5.1.1."""
    root = ET.Element("AuditMessages")
    for event in events:
        root.append(_message(event, numbers))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def to_fhir(events: Iterable[AuditEvent], numbers: Numbers) -> str:
    """A Bundle of type collection with one AuditEvent per event (FHIR R4)."""
    entries = [{"fullUrl": f"urn:uuid:{_uuid_of(e)}", "resource": fhir_event(e, numbers)} for e in events]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "collection"}
    return json.dumps(bundle | ({"entry": entries} if entries else {}))


FORMS: dict[str, tuple[Callable[[Iterable[AuditEvent], Numbers], str], str]] = {
    "csv": (to_csv, spreadsheets.MEDIA_TYPE),
    "dicom": (to_dicom, "application/xml; charset=utf-8"),
    "fhir": (to_fhir, "application/fhir+json"),
}


def numbers_of(session: Session, events: Sequence[AuditEvent], hidden: Set[uuid.UUID] | None) -> dict[str, Number]:
    """The numbers of the patients in these events, as far as they still exist."""
    if hidden is None:
        return {}
    ids = sorted({uuid.UUID(event.patient_id) for event in events if event.patient_id is not None} - hidden)
    found: dict[str, Number] = {}
    columns = select(Patient.id, Patient.mrn, Patient.issuer)
    for start in range(0, len(ids), 500):
        for patient_id, mrn, issuer in session.execute(columns.where(Patient.id.in_(ids[start : start + 500]))):
            found[str(patient_id)] = Number(mrn, issuer)
    return found


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _uuid_of(event: AuditEvent) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{OUR_SYSTEM}:{event.hash}")


def _clean(text: str) -> str:
    """Without characters that XML 1.0 cannot hold."""
    return XML_FORBIDDEN.sub("�", text)


def _coded(parent: ET.Element, name: str, code: str, system: str, meaning: str) -> None:
    ET.SubElement(parent, name, {"csd-code": code, "codeSystemName": system, "originalText": meaning})


def _message(event: AuditEvent, numbers: Numbers) -> ET.Element:
    code = code_of(event.action)
    message = ET.Element("AuditMessage")
    identification = ET.SubElement(
        message,
        "EventIdentification",
        {
            "EventActionCode": code.action,
            "EventDateTime": _moment(event.at),
            "EventOutcomeIndicator": outcome_of(event.outcome),
        },
    )
    _coded(identification, "EventID", code.event_id, "DCM", DCM[code.event_id])
    if code.event_type is not None:
        _coded(identification, "EventTypeCode", code.event_type, "DCM", DCM[code.event_type])
    _coded(identification, "EventTypeCode", _clean(event.action), OUR_CODES, _clean(event.action))
    if event.outcome != "success":
        why = event.detail.get("code", event.outcome)
        ET.SubElement(identification, "EventOutcomeDescription").text = _clean(str(why))
    participant = {"UserID": _clean(event.actor), "UserIsRequestor": "true"}
    if event.address:
        participant |= {"NetworkAccessPointID": _clean(event.address), "NetworkAccessPointTypeCode": "2"}
    ET.SubElement(message, "ActiveParticipant", participant)
    source = ET.SubElement(message, "AuditSourceIdentification", {"AuditSourceID": SOURCE})
    ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    if event.patient_id is not None:
        number = str(numbers.get(event.patient_id, event.patient_id))
        _object(message, number, ("1", "1"), ("2", "RFC-3881", "Patient Number"), event.patient_id)
    if event.study_instance_uid is not None:
        uid = event.study_instance_uid
        _object(message, uid, ("2", "3"), ("110180", "DCM", "Study Instance UID"), uid)
    if event.order_id is not None:
        _object(message, event.order_id, ("2", "3"), ("order", OUR_CODES, "Imaging order"), event.order_id)
    record = _object(message, str(event.id), ("2", "13"), ("event", OUR_CODES, "Audit event"), event.action)
    for name, value in (("detail", json.dumps(event.detail)), ("hash", event.hash)):
        ET.SubElement(
            record, "ParticipantObjectDetail", {"type": name, "value": base64.b64encode(value.encode()).decode()}
        )
    return message


def _object(
    message: ET.Element, identifier: str, kind: tuple[str, str], id_type: tuple[str, str, str], name: str
) -> ET.Element:
    element = ET.SubElement(
        message,
        "ParticipantObjectIdentification",
        {
            "ParticipantObjectID": _clean(identifier),
            "ParticipantObjectTypeCode": kind[0],
            "ParticipantObjectTypeCodeRole": kind[1],
        },
    )
    _coded(element, "ParticipantObjectIDTypeCode", *id_type)
    ET.SubElement(element, "ParticipantObjectName").text = _clean(name)
    return element


def fhir_event(event: AuditEvent, numbers: Numbers) -> dict[str, Any]:
    """An event as AuditEvent (FHIR R4)."""
    code = code_of(event.action)
    subtypes = [_coding(code.event_type)] if code.event_type is not None else []
    agent: dict[str, Any] = {"who": {"identifier": {"value": event.actor}, "display": event.actor}, "requestor": True}
    if event.address:
        agent["network"] = {"address": event.address, "type": "2"}
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(_uuid_of(event)),
        "type": _coding(code.event_id),
        "subtype": [*subtypes, {"system": OUR_SYSTEM, "code": event.action}],
        "action": code.action,
        "recorded": _moment(event.at),
        "outcome": outcome_of(event.outcome),
        "agent": [agent],
        "source": {
            "observer": {"identifier": {"value": SOURCE}, "display": SOURCE},
            "type": [{"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}],
        },
        "entity": _entities(event, numbers),
    }
    if event.outcome != "success":
        resource["outcomeDesc"] = str(event.detail.get("code", event.outcome))
    return resource


def _coding(code: str) -> dict[str, str]:
    return {"system": DCM_SYSTEM, "code": code, "display": DCM[code]}


def _entities(event: AuditEvent, numbers: Numbers) -> list[dict[str, Any]]:
    entities = []
    if event.patient_id is not None:
        entities.append(_entity(_identifier(event.patient_id, numbers.get(event.patient_id)), "1", "1"))
    if event.study_instance_uid is not None:
        uid = {"system": "urn:dicom:uid", "value": f"urn:oid:{event.study_instance_uid}"}
        entities.append(_entity(uid, "2", "3"))
    if event.order_id is not None:
        entities.append(_entity({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{event.order_id}"}, "2", "3"))
    record = _entity({"system": "urn:orthanc-ehr-bridge:audit-event", "value": str(event.id)}, "2", "13")
    pairs = (("detail", json.dumps(event.detail)), ("hash", event.hash), ("previous_hash", event.previous_hash))
    record["detail"] = [{"type": name, "valueString": value} for name, value in pairs]
    return [*entities, record]


def _identifier(patient_id: str, number: Number | None) -> dict[str, Any]:
    if number is None:
        return {"value": patient_id}
    return {"value": number.mrn} | ({"assigner": {"display": number.issuer}} if number.issuer else {})


def _entity(identifier: dict[str, Any], kind: str, role: str) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/"
    return {
        "what": {"identifier": identifier},
        "type": {"system": system + "audit-entity-type", "code": kind},
        "role": {"system": system + "object-role", "code": role},
    }
