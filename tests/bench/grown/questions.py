"""What people and programs ask of a grown archive, as requests: who asks, what, and with which values."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydicom.uid import generate_uid

from tests.bench.grown.rows import SOP_CLASSES, Grown, Person
from tests.support.messages import adt, encoded, omi
from tests.support.samples import small


@dataclass(frozen=True, slots=True)
class Values:
    """What one request asks for: a patient, an order and times, by chance."""

    grown: Grown
    chance: random.Random

    @property
    def order(self) -> int:
        return self.chance.randrange(self.grown.studies)

    @property
    def person(self) -> Person:
        return self.grown.person(self.grown.of_order(self.order))

    @property
    def today(self) -> str:
        return f"{self.grown.now:%Y-%m-%dT00:00:00Z}"

    @property
    def due(self) -> str:
        """The days that the page of orders begins with."""
        return f"from={self.grown.now - timedelta(days=3):%Y-%m-%dT00:00:00Z}&to={self.tomorrow}"

    @property
    def tomorrow(self) -> str:
        return f"{self.grown.now + timedelta(days=1):%Y-%m-%dT00:00:00Z}"

    @property
    def span(self) -> str:
        """A month, in moments."""
        return self.month.replace("&", "T00:00:00Z&") + "T00:00:00Z"

    @property
    def month(self) -> str:
        first = self.grown.now - timedelta(days=self.chance.randrange(60, 1700))
        return f"from={first:%Y-%m-%d}&to={first + timedelta(days=30):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Question:
    """`path` of a GET, or with `body` of a POST; below /fhir it is the FHIR server's."""

    topic: str
    name: str
    role: str
    path: Callable[[Values], str]
    body: Callable[[Values], Any] | None = None
    content_type: str = "application/hl7-v2"
    """Of a body of bytes."""


WORKLIST = Question("worklist", "C-FIND of a day and a modality", "", lambda _: "")
START = Question("start", "schema, services and the first list", "", lambda _: "")
"""Both are asked without HTTP."""


ISSUED = "preliminary,final,amended,corrected,appended,entered_in_error"


def _of(topic: str, role: str, base: str, **asked: str | Callable[[Values], str]) -> list[Question]:
    """One question for each query, named by the argument."""

    def path(query: str | Callable[[Values], str]) -> Callable[[Values], str]:
        return lambda values: f"{base}?{query if isinstance(query, str) else query(values)}".rstrip("?")

    return [Question(topic, name.replace("_", " "), role, path(query)) for name, query in asked.items()]


def _pn(values: Values) -> str:
    return f"{values.person.family}^{values.person.given}".upper()


def _header(values: Values, *, number: bool = True) -> dict[str, Any]:
    one = values.person
    return {
        "items": [
            {"ref": "1", "patient_id": one.mrn if number else "", "patient_name": one.pn.upper(),
             "patient_birth_date": f"{one.born:%Y%m%d}", "patient_sex": "F" if one.sex == "female" else "M",
             "accession_number": f"A{values.order:08}" if number else "", "modality": "CT"}
        ]
    }  # fmt: skip


def _image(values: Values, *, number: bool = True) -> bytes:
    """The first image of a study that was ordered and has not come yet."""
    order = values.grown.studies + values.chance.randrange(values.grown.to_come)
    one = values.grown.person(values.grown.of_order(order))
    born, sex = f"{one.born:%Y%m%d}", "F" if one.sex == "female" else "M"
    known = {"PatientID": one.mrn, "AccessionNumber": f"A{order:08}"} if number else {"PatientID": ""}
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return small(PatientName=one.pn.upper(), PatientBirthDate=born, PatientSex=sex, **uids, **known)


QUESTIONS: list[Question] = [
    *_of(
        "studies", "nurse", "/api/v1/dicom/studies",
        as_it_opens="", page_100="offset=5000",
        **{f"by_{sort}": f"sort={sort}" for sort in ("study_date", "patient_name", "accession_number")},
        by_patient_name_backwards="sort=-patient_name", by_date_from_a_day="from=2026-11-20&sort=-study_date",
        of_a_month=lambda v: v.month,
        of_a_month_and_modality=lambda v: f"{v.month}&modality={v.chance.choice(list(SOP_CLASSES))}",
        of_a_modality=lambda v: f"modality={v.chance.choice(list(SOP_CLASSES))}",
        of_a_modality_by_name="modality=NM&sort=patient_name",
        unlinked="link_status=unlinked", unlinked_CT_by_date="link_status=unlinked&modality=CT&sort=-study_date",
        of_a_patient=lambda v: f"patient={v.person.mrn}",
        of_an_accession_number=lambda v: f"accession_number=A{v.order:08}",
        of_a_name=lambda v: f"patient_name={v.person.family}",
        of_a_name_in_parts=lambda v: f"patient_name={v.person.family[:4]}*, {v.person.given[:2]}*",
        of_a_frequent_beginning="patient_name=Lind*",
        damaged="damaged=true",
    ),
    *_of(
        "orders", "technician", "/api/v1/orders",
        as_it_opens="",
        of_the_day=lambda v: f"from={v.today}&to={v.tomorrow}&sort=urgency",
        of_the_day_and_emergencies=lambda v: f"from={v.today}&to={v.tomorrow}&also=emergencies&sort=urgency",
        as_the_page_opens=lambda v: f"{v.due}&also=emergencies,unscheduled&status=scheduled,arrived&sort=urgency",
        as_the_page_opens_with_all_states=lambda v: f"{v.due}&also=emergencies,unscheduled&sort=urgency",
        overdue_of_all_years=lambda v:
            f"to={v.tomorrow}&also=emergencies,unscheduled&status=scheduled,arrived&sort=accession_number&limit=1",
        of_the_day_and_modality=lambda v: f"from={v.today}&to={v.tomorrow}&modality=CT",
        **{f"by_{sort}": f"sort={sort}" for sort in (
            "urgency", "accession_number", "created_at", "patient_name", "modality", "status", "assigned_to")},
        scheduled="status=scheduled", arrived_or_in_progress="status=arrived,in_progress",
        with_a_final_report="report=final", without_a_report=lambda v: f"report=none&from={v.today}&to={v.tomorrow}",
        of_nobody_today=lambda v: f"assigned_to=nobody&from={v.today}&to={v.tomorrow}",
        of_a_name=lambda v: f"q={v.person.family}", of_a_name_in_parts=lambda v: f"q={v.person.family[1:5]}",
        of_both_names=lambda v: f"q={v.person.given} {v.person.family}",
        of_a_number=lambda v: f"q=A{v.order:08}", of_a_part_of_a_number=lambda v: f"q={v.order}",
        of_a_name_that_nobody_has="q=Nobodyatall",
    ),
    *_of("orders", "technician", "/api/v1/day/counts", counts=lambda v: f"from={v.today}&to={v.tomorrow}"),
    *_of("orders", "radiologist", "/api/v1/day/counts",
         counts_of_a_radiologist=lambda v: f"from={v.today}&to={v.tomorrow}"),
    *_of(
        "patients", "reception", "/api/v1/patients",
        as_it_opens="", of_a_family_name=lambda v: f"q={v.person.family}",
        of_a_part_of_a_name=lambda v: f"q={v.person.family[1:5]}",
        of_both_names=lambda v: f"q={v.person.given} {v.person.family}",
        of_a_number=lambda v: f"q={v.person.mrn}", of_a_part_of_a_number=lambda v: f"q={v.person.mrn[:5]}",
        of_a_name_that_nobody_has="q=Nobodyatall",
    ),
    *_of("patients", "doctor", "/api/v1/timeline", timeline=lambda v: f"patient={v.person.mrn}"),
    Question("match", "by number", "service", lambda _: "/api/v1/match", _header),
    Question("match", "by name and birth date", "service", lambda _: "/api/v1/match",
             lambda v: _header(v, number=False)),
    Question("match", "an image arrives", "technician", lambda _: "/api/v1/dicom/upload", _image, "application/dicom"),
    Question("match", "an image without numbers arrives", "technician", lambda _: "/api/v1/dicom/upload",
             lambda v: _image(v, number=False), "application/dicom"),
    *_of(
        "fhir", "service", "/fhir/Patient",
        Patient_by_number=lambda v: f"identifier={v.person.mrn}",
        Patient_by_family=lambda v: f"family={v.person.family}",
        Patient_by_name_and_date=lambda v: f"name={v.person.given}&birthdate={v.person.born}",
    ),
    *_of(
        "fhir", "service", "/fhir/ServiceRequest",
        ServiceRequest_by_number=lambda v: f"identifier=A{v.order:08}",
        ServiceRequest_of_a_patient=lambda v: f"patient.identifier={v.person.mrn}",
        ServiceRequest_latest="_sort=-_lastUpdated&_count=20",
    ),
    *_of(
        "fhir", "service", "/fhir/ImagingStudy",
        ImagingStudy_of_a_patient=lambda v: f"patient.identifier={v.person.mrn}",
        ImagingStudy_by_order=lambda v: f"basedon.identifier=A{v.order:08}",
        ImagingStudy_of_a_day="started=ge2026-11-29&_sort=-started", ImagingStudy_all="",
    ),
    *_of("fhir", "service", "/fhir/DiagnosticReport", DiagnosticReport_of_a_patient=lambda v:
         f"patient.identifier={v.person.mrn}", DiagnosticReport_latest="_sort=-_lastUpdated&_count=20"),
    *_of("fhir", "admin", "/fhir/AuditEvent", AuditEvent_of_a_patient=lambda v: f"patient.identifier={v.person.mrn}"),
    Question("HL7", "a patient is registered", "service", lambda _: "/api/v1/hl7",
             lambda v: encoded(adt("A04", f"H{v.chance.getrandbits(60)}"))),
    Question("HL7", "an order is placed", "service", lambda _: "/api/v1/hl7",
             lambda v: encoded(omi("NW", f"H{v.chance.getrandbits(40)}", f"H{v.chance.getrandbits(40)}"))),
    *_of("HL7", "admin", "/api/v1/hl7/messages", list="", of_a_number=lambda v: f"control_id={v.order}",
         refused="state=refused"),
    *_of("reconciliation", "technician", "/api/v1/reconciliation", as_it_opens="", ambiguous="link_status=ambiguous",
         of_a_modality="modality=CT", page_100="offset=5000", of_a_name=lambda v: f"patient_name={v.person.family}"),
    *_of(
        "reading", "radiologist", "/api/v1/reading-list",
        as_it_opens="", by_waiting_time="sort=waiting_since", of_a_modality="modality=MR",
    ),
    *_of(
        "reports", "radiologist", "/api/v1/reports",
        as_it_opens="", as_the_page_opens=f"unread=true&status={ISSUED}", final="status=final", unread="unread=true",
        of_a_patient=lambda v: f"patient={v.person.mrn}",
        of_an_author="author=rita", being_written="being_written=true",
    ),
    *_of("dashboard", "manager", "/api/v1/dashboard", today=""),
    *_of("dashboard", "manager", "/api/v1/dashboard/turnaround", **{f"turnaround_{n}_days": f"days={n}" for n in (
        7, 30, 90)}),
    *_of("dashboard", "manager", "/api/v1/dashboard/dose", **{f"dose_{n}_days": f"days={n}" for n in (7, 30, 90)}),
    *_of("dashboard", "manager", "/api/v1/dashboard/dose/studies", dose_of_studies="days=30"),
    *_of("system", "admin", "/api/v1/system", System_page=""),
    *_of("system", "admin", "/api/v1/health", health=""),
    *_of(
        "audit", "admin", "/api/v1/audit",
        as_it_opens="", of_a_patient=lambda v: f"patient_id={v.person.mrn}", of_a_person="actor=rita",
        of_an_action="action=study.viewed", of_an_action_of_a_month=lambda v: f"action=study.viewed&{v.span}",
    ),
    *_of("uploads", "admin", "/api/v1/dicom/uploads", as_it_opens="",
         of_a_patient=lambda v: f"patient={v.person.mrn}", failed="upload_status=failed", of_a_month=lambda v: v.span),
    *_of("events", "service", "/api/v1/events", from_the_first="after=0",
         from_the_middle=lambda v: f"after={v.grown.studies // 30}"),
]  # fmt: skip
