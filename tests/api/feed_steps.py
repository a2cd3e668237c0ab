"""Another system that keeps in step, and what is true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.studies.availability import Availability
from tests.api.conftest import Api

EVENTS = "/api/v1/events"
OF_THE_PATIENT = {"mrn", "issuer", "patient_name", "patient_birth_date", "patient_sex"}
"""An order shows these of its patient, whose own event tells them."""
NOBODYS = (None, None)
type Row = dict[str, Any]


def poll(api: Api, after: int = 0, role: str = "service", limit: int = 1000) -> tuple[list[Row], int]:
    answer = api.get(EVENTS, role, query_string={"after": after, "limit": limit})
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"]), int(answer.json["next"])


def types(items: list[Row]) -> list[str]:
    return [item["type"].removeprefix("org.ehr-bridge.") for item in items]


def let_receptions_settle(api: Api) -> int:
    """As the worker does it, an hour later."""
    api.services.recorder.settle()
    later = lambda: api.services.clock() + timedelta(hours=1)  # noqa: E731
    return Availability(api.services.database, later, timedelta(seconds=60)).run()


class Mirror:
    """What another system holds: whose a study is, as the events say; and of the rest what it read when an event named
    it, and at no other time."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.seq = poll(api)[1]
        self.patients, self.orders, self.studies = everything(api)

    def follow(self, limit: int) -> None:
        while (told := poll(self.api, self.seq, limit=limit))[1] != self.seq:
            items, self.seq = told
            for item in items:
                self.hear(item)

    def hear(self, item: Row) -> None:
        data, uid = item["data"], item["data"]["study_instance_uid"]
        if item["type"].startswith("org.ehr-bridge.patient."):
            self.patients[data["patient_id"]] = read(self.api, "patients", data["patient_id"])
        if data["order_id"] is not None:
            self.orders[data["order_id"]] = order_of(read(self.api, "orders", data["order_id"]))
        kind = item["type"].removeprefix("org.ehr-bridge.study.")
        if kind == "deleted":
            self.studies.pop(uid, None)
        if kind in ("linked", "unlinked"):
            whose = (data["patient_id"], data["order_id"]) if kind == "linked" else NOBODYS
            self.studies[uid] = self.studies.get(uid, {}) | {"whose": whose}
        if kind in ("linked", "changed", "available"):
            now = self.api.get(f"/api/v1/dicom/studies/{uid}", "service")
            what = what_is(now.json) if now.status_code == 200 else {}
            self.studies[uid] = {"whose": NOBODYS} | self.studies.get(uid, {}) | what

    def difference(self) -> dict[str, Any]:
        """Where it differs from what is true: by kind, what it holds and what it should."""
        mine, true = (self.patients, self.orders, self.studies), everything(self.api)
        found: dict[str, Any] = {}
        for kind, held, there in zip(("patients", "orders", "studies"), mine, true, strict=True):
            keys = held.keys() | there.keys()
            found |= {
                f"{kind} {key}": (held.get(key), there.get(key)) for key in keys if held.get(key) != there.get(key)
            }
        return found


def everything(api: Api) -> tuple[dict[str, Row], dict[str, Row], dict[str, Row]]:
    """Patients, orders and studies that there are, read one by one."""
    with api.services.database.read() as session:
        patients = [str(one) for one in session.scalars(select(Patient.id))]
        orders = [str(one) for one in session.scalars(select(Order.id))]
        seen = select(Study.study_instance_uid).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
        studies = list(session.scalars(seen))
    return (
        {key: read(api, "patients", key) for key in patients},
        {key: order_of(read(api, "orders", key)) for key in orders},
        {uid: {"whose": whose(row := read(api, "dicom/studies", uid))} | what_is(row) for uid in studies},
    )


def read(api: Api, kind: str, key: str) -> Row:
    answer = api.get(f"/api/v1/{kind}/{key}", "service")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def order_of(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in OF_THE_PATIENT}


def whose(row: Row) -> tuple[str | None, str | None]:
    """The patient and order of a study whose link is certain."""
    return (row["patient_id"], row["order_id"]) if row["link_status"] == "linked" else NOBODYS


def what_is(row: Row) -> Row:
    """What else the feed tells of a study."""
    names = ("study_date", "study_description", "orthanc_study_id", "number_of_instances", "modalities")
    return {name: row[name] for name in names}
