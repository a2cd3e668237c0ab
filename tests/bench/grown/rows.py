"""The rows that years of work leave behind, as SQLite keeps them: studies by the day, few patients with many of them.

Of the studies 98 % are linked and 95 % of those are reported. There are six orders for five studies: the others were
cancelled, nobody came, or their appointments are still to come. Names are skewed as real ones are.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ehr_bridge.db.tables.registry import searched
from ehr_bridge.matching import HeaderIdentity, PatientFacts
from ehr_bridge.matching.keys import is_counted, patient_keys, study_keys
from ehr_bridge.matching.names import name_index, name_key
from ehr_bridge.services.audit.verification import GENESIS, chain_hash
from tests.bench import matching

YEARS = 5
SURNAMES, GIVEN = (random.Random("names").sample(names, len(names)) for names in (matching.SURNAMES, matching.GIVEN))
"""The first are the frequent ones."""
IMAGES = 2
"""Rows of images for each study. Real ones have a hundred; nobody asks for those of more than a few studies."""
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
}
SHARES = (22, 16, 18, 34, 6, 2, 2)
DESCRIPTIONS = ("thorax", "abdomen", "skull", "knee", "spine", "pelvis", "hand", "shoulder")
WITH_X_RAYS = ("CT", "DX", "MG", "XA")
TEXT = "No consolidation, no effusion. Heart of normal size. No fracture is seen. " * 6
TIME, JSON = "%Y-%m-%d %H:%M:%S.%f", json.dumps

type Row = tuple[str, dict[str, Any]]
"""A table and the values of its columns; those that are not named have their defaults."""


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    mrn: str
    family: str
    given: str
    born: date
    sex: str

    @property
    def pn(self) -> str:
        return f"{self.family}^{self.given}"


class Grown:
    """An archive of this many studies that has grown until `now`. The same numbers make the same rows."""

    def __init__(self, studies: int, now: datetime) -> None:
        self.studies, self.now = studies, now
        self.patients, self.orders = studies * 3 // 5, studies * 6 // 5
        self.to_come = (self.orders - studies) // 10
        self.begin = now - timedelta(days=365 * YEARS)
        self._chain, self._events = (0, GENESIS), 0
        self.counts: Counter[str] = Counter()

    def person(self, number: int) -> Person:
        chance = random.Random(f"patient {number}")
        family = SURNAMES[min(int(chance.expovariate(1 / 120)), len(SURNAMES) - 1)]
        given = GIVEN[min(int(chance.expovariate(1 / 30)), len(GIVEN) - 1)]
        born = date(1930, 1, 1) + timedelta(days=chance.randrange(34_000))
        sex = "female" if chance.random() < 0.52 else "male"
        return Person(_id(chance), f"{1_000_000 + number * 7}", family, given, born, sex)

    def of_order(self, number: int) -> int:
        """The number of the patient of an order: some have hundreds, most one or two."""
        return int(self.patients * random.Random(f"whose {number}").random() ** 1.7)

    def all_patients(self) -> Iterator[Row]:
        at = self.begin.strftime(TIME)
        for number in range(self.patients):
            one = self.person(number)
            yield (
                "patients",
                {"id": one.id, "mrn": one.mrn, "family_name": one.family, "given_name": one.given,
                 "searched_names": searched([one.family, one.given]), "searched_family": searched([one.family]),
                 "searched_given": searched([one.given]), "birth_date": one.born.isoformat(), "sex": one.sex,
                 "created_at": at, "updated_at": at},
            )  # fmt: skip
            facts = PatientFacts(UUID(one.id), one.mrn, None, one.family, one.given, one.born, one.sex)
            keys = patient_keys(facts)
            self.counts.update(key for key in keys if is_counted(key))
            for key in sorted(keys):
                yield "patient_match_keys", {"patient_id": one.id, "key": key}

    def all_counts(self) -> Iterator[Row]:
        """After the patients."""
        for value, patients in self.counts.items():
            yield "patient_value_counts", {"value": value, "patients": patients}

    def all_orders(self) -> Iterator[Row]:
        """With all that came of them."""
        step = (self.now - self.begin) / self.studies
        for number in range(self.orders):
            chance = random.Random(f"order {number}")
            person = self.person(self.of_order(number))
            modality = chance.choices(list(SOP_CLASSES), SHARES)[0]
            if number < self.studies:
                at = self.begin + step * number
                yield from self._examined(number, chance, person, modality, at)
            else:
                yield from self._never_examined(number, chance, person, modality)

    def _never_examined(self, number: int, chance: random.Random, person: Person, modality: str) -> Iterator[Row]:
        if number - self.studies < self.to_come:
            status, at = "scheduled", self.now + timedelta(minutes=chance.randrange(60 * 24 * 60))
        else:
            status = "cancelled" if chance.random() < 0.9 else "scheduled"
            at = self.begin + (self.now - self.begin) * chance.random()
        yield from self._order(number, chance, person, modality, at, status, f"2.25.{chance.getrandbits(120)}")

    def _order(
        self, number: int, chance: random.Random, person: Person, modality: str, at: datetime, status: str, uid: str
    ) -> Iterator[Row]:
        order, placed = _id(random.Random(f"id {number}")), (at - timedelta(days=chance.randrange(1, 30)))
        is_done = status in ("completed", "reported")
        yield (
            "orders",
            {"id": order, "accession_number": f"A{number:08}", "patient_id": person.id,
             "description": f"{modality} {chance.choice(DESCRIPTIONS)}", "ordered_by": f"{chance.choice(SURNAMES)}^Dr",
             "placer_order_number": f"P{number}",
             "priority": chance.choices(("STAT", "HIGH", "ROUTINE"), (3, 7, 90))[0],
             "status": status, "arrived_at": (at - timedelta(minutes=20)).strftime(TIME) if is_done else None,
             "completed_at": (at + timedelta(minutes=15)).strftime(TIME) if is_done else None,
             "has_signed_report": status == "reported", "scheduled_study_instance_uid": uid, "study_instance_uid": uid,
             "orthanc_study_id": _orthanc(uid) if is_done else None, "number_of_series": 1 if is_done else None,
             "number_of_images": IMAGES if is_done else None, "study_date": f"{at:%Y-%m-%d}" if is_done else None,
             "created_at": placed.strftime(TIME), "updated_at": max(placed, min(at, self.now)).strftime(TIME)},
        )  # fmt: skip
        yield (
            "scheduled_steps",
            {"order_id": order, "position": 0, "modality": modality, "scheduled_at": at.strftime(TIME),
             "station_ae_title": f"{modality}{number % 4 + 1}"},
        )  # fmt: skip

    def _examined(
        self, number: int, chance: random.Random, person: Person, modality: str, at: datetime
    ) -> Iterator[Row]:
        is_linked = number % 50 != 49
        is_old = self.now - at > timedelta(days=2)
        is_reported = is_linked and is_old and chance.random() < 0.95
        uid, order = f"2.25.{chance.getrandbits(120)}", _id(random.Random(f"id {number}"))
        status = ("reported" if is_reported else "completed") if is_linked else "scheduled"
        yield from self._order(number, chance, person, modality, at, status, uid)
        yield from self._study(number, chance, person, modality, at, uid, order, is_linked, is_reported)
        whose = {"patient_id": person.id, "order_id": order} if is_linked else {}
        yield self._audited(at, f"ae:{modality}{number % 4 + 1}", "instance.stored", uid, whose)
        yield self._audited(at + timedelta(hours=1), "rita", "study.viewed", uid, whose)
        if self.now - at < timedelta(days=90):
            yield from self._told(at, uid, whose)
        if self.now - at < timedelta(days=30):
            yield self._message(number, at, person)
        if is_reported:
            yield from self._report(person, order, uid, at + timedelta(hours=2), f"A{number:08}", modality)

    def _study(
        self, number: int, chance: random.Random, person: Person, modality: str, at: datetime, uid: str, order: str,
        is_linked: bool, is_reported: bool,
    ) -> Iterator[Row]:  # fmt: skip
        study, upload, moment, accession = _id(chance), _id(chance), at.strftime(TIME), f"A{number:08}"
        mrn = person.mrn if is_linked else f"X{person.mrn}"
        said = {"AccessionNumber": accession, "PatientID": mrn, "PatientName": person.pn, "PatientSex": "F"}
        evidence = JSON([{"field": f, "agrees": True, "grade": "same", "detail": "the same"} for f in said])
        status = "linked" if is_linked else "ambiguous" if number % 200 == 199 else "unlinked"
        yield (
            "studies",
            {"id": study, "study_instance_uid": uid, "orthanc_study_id": _orthanc(uid),
             "patient_id": person.id if is_linked else None, "order_id": order if is_linked else None,
             "link_status": status, "is_contradicted": False, "is_document": False,
             "match_kind": "exact" if is_linked else "ambiguous" if status == "ambiguous" else "none",
             "match_score": 1.0 if is_linked else 0.5, "match_evidence": evidence,
             "match_patient_id": person.id if status == "ambiguous" else None, "corrections": "{}",
             "received_identity": JSON(said), "coerced": "[]", "modalities": JSON([modality]),
             "study_date": f"{at:%Y-%m-%d}", "study_time": f"{at:%H:%M:%S.%f}",
             "study_description": f"{modality} {chance.choice(DESCRIPTIONS)}", "study_date_key": f"{at:%Y-%m-%d}",
             "patient_name_key": name_key(person.pn), "accession_key": accession, "modality_key": f"|{modality}|",
             "patient_id_key": mrn, "sop_class_key": f"|{SOP_CLASSES[modality]}|",
             "reading_rank": None if is_reported else 2 if is_linked else 4, "number_of_series": 1,
             "number_of_instances": IMAGES, "is_settled": True, "is_available": True, "created_at": moment,
             "updated_at": moment},
        )  # fmt: skip
        for part in name_index(person.pn):
            yield "study_names", {"study_id": study, "part": part.text, "place": part.place.value}
        yield "study_sop_classes", {"study_id": study, "sop_class_uid": SOP_CLASSES[modality]}
        if is_linked:
            link = {"study_id": study, "order_id": order, "match_kind": "exact", "linked_at": moment}
            yield "study_orders", {**link, "position": 0}
            yield (
                "study_links",
                {**link, "id": _id(chance), "patient_id": person.id, "evidence": evidence, "linked_by": "ehr-bridge"},
            )
        else:
            born, sex = f"{person.born:%Y%m%d}", "F" if person.sex == "female" else "M"
            header = HeaderIdentity("", uid, mrn, accession, person.pn.upper(), born, sex)
            for key in sorted(study_keys(header)):
                yield "study_match_keys", {"study_id": study, "key": key}
        if modality in WITH_X_RAYS:
            dose: dict[str, float] = {"dlp": chance.lognormvariate(6, 0.5), "ctdi_vol": chance.lognormvariate(2, 0.4)}
            value = dose if modality == "CT" else {"dap": chance.lognormvariate(0, 1)}
            yield "study_doses", {"study_id": study, "is_due": False, "read_at": moment, "source": "report", **value}
        whose = {"patient_id": person.id, "order_id": order} if is_linked else {}
        yield (
            "dicom_upload_logs",
            {"id": upload, "upload_id": _id(chance), "uploaded_by": f"ae:{modality}{number % 4 + 1}",
             "source_address": "10.0.0.7", "study_instance_uid": uid, "orthanc_study_id": _orthanc(uid),
             "number_of_files": IMAGES, "number_of_duplicates": 0, "total_size_bytes": IMAGES * 524_288,
             "original_patient_id": mrn, "original_patient_name": person.pn, "original_accession_number": accession,
             "original_study_date": f"{at:%Y%m%d}", "original_modality": modality, "upload_status": "success",
             "tags_modified": False, "uploaded_at": moment, "upload_source": "modality", "is_deleted": False, **whose},
        )  # fmt: skip
        for image in range(IMAGES):
            digest = hashlib.sha256(f"{uid}.{image}".encode()).hexdigest()
            yield (
                "instances",
                {"orthanc_instance_id": _orthanc(f"{uid}.{image}"), "study_id": study, "upload_log_id": upload,
                 "series_instance_uid": f"{uid}.1", "sop_instance_uid": f"{uid}.1.{image}", "modality": modality,
                 "size_bytes": 524_288, "door": "c_store", "received_at": moment, "stored_digest": f"blake3:{digest}",
                 "sop_class_uid": SOP_CLASSES[modality]},
            )  # fmt: skip

    def _audited(self, at: datetime, actor: str, action: str, uid: str, whose: Mapping[str, str]) -> Row:
        number, previous = self._chain
        moment = at.astimezone(UTC)
        ids = {name: str(UUID(value)) for name, value in whose.items()}
        row: dict[str, Any] = {
            "id": number + 1, "at": moment.strftime(TIME), "actor": actor, "action": action, "outcome": "success",
            "patient_id": ids.get("patient_id"), "order_id": ids.get("order_id"), "study_instance_uid": uid,
            "address": "10.0.0.7", "detail": "{}", "previous_hash": previous,
        }  # fmt: skip
        content = [
            previous, row["id"], moment.isoformat(timespec="microseconds"), actor, action, "success", row["patient_id"],
            row["order_id"], uid, "10.0.0.7", {},
        ]  # fmt: skip
        row["hash"] = chain_hash(content)
        self._chain = (row["id"], row["hash"])
        return "audit_events", row

    def _told(self, at: datetime, uid: str, whose: Mapping[str, str]) -> Iterator[Row]:
        for kind in ("order.status", "study.linked", "study.available"):
            self._events += 1
            event = {"seq": self._events, "id": _id(random.Random(f"event {self._events}")), "type": kind}
            yield "events", {**event, "time": at.strftime(TIME), "study_instance_uid": uid, "data": "{}", **whose}

    def _message(self, number: int, at: datetime, person: Person) -> Row:
        raw = f"MSH|^~\\&|HIS|WARD|RIS|RAD|{at:%Y%m%d%H%M%S}||ORM^O01|{number}|P|2.5.1\rPID|||{person.mrn}".encode() * 6
        received = {"received_at": at.strftime(TIME), "last_received_at": at.strftime(TIME), "times_received": 1}
        return (
            "hl7_messages",
            {"id": _id(random.Random(f"message {number}")), "source": "his", "door": "mllp", "sent_by": "hl7:his",
             "raw": raw, "sha256": hashlib.sha256(raw).hexdigest(), "sender": "HIS WARD", "type": "ORM^O01",
             "control_id": str(number), "reuses_control_id": False, "state": "applied", "is_final": True,
             "changes": "[]", "ack": raw[:200], "patient_id": person.id, **received},
        )  # fmt: skip

    def _report(
        self, person: Person, order: str, uid: str, at: datetime, accession: str, modality: str
    ) -> Iterator[Row]:
        report, moment = _id(random.Random(f"report {order}")), at.strftime(TIME)
        yield (
            "reports",
            {"id": report, "status": "final", "number": 1, "issued_at": moment, "patient_id": person.id,
             "written_for_id": person.id, "order_id": order, "study_instance_uid": uid, "title": f"{modality} report",
             "language": "en", "draft_revision": 3, "created_at": moment, "updated_at": moment},
        )  # fmt: skip
        yield "report_orders", {"report_id": report, "order_id": order, "position": 0}
        signed = JSON({"patient": person.mrn, "text": TEXT}).encode()
        yield (
            "report_versions",
            {"report_id": report, "number": 1, "status": "final", "title": f"{modality} report", "language": "en",
             "sections": JSON([{"code": "18782-3", "title": "Findings", "text": TEXT}]), "author": "rita",
             "author_name": "Rita", "signer": "rita", "signer_name": "Rita", "issued_at": moment,
             "study_instance_uid": uid, "accession_numbers": JSON([accession]), "signed_text": signed,
             "sha256": hashlib.sha256(signed).hexdigest(), "audit_event_id": 1},
        )  # fmt: skip


def _id(chance: random.Random) -> str:
    """As SQLite keeps an id."""
    return UUID(int=chance.getrandbits(128), version=4).hex


def _orthanc(uid: str) -> str:
    made = hashlib.sha1(uid.encode(), usedforsecurity=False).hexdigest()
    return "-".join(made[start : start + 8] for start in range(0, 40, 8))
