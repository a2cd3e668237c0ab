"""A day in a clinic that does not exist: people, orders, images, devices, and messages of its EHR."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pydicom
from playwright.sync_api import ViewportSize
from pydicom.uid import generate_uid

from plugin.starting.phantom import ct_phantom
from tests.support.material import wheel_file
from tests.support.messages import encoded as hl7
from tests.support.messages import omi, orm
from tests.support.samples import encoded
from tests.support.server import Server, user_token
from tests.support.steps import eventually

HIGHER = ViewportSize(width=1280, height=1160)
"""For what does not fit into the usual window."""
MODALITIES: dict[str, dict[str, Any]] = {
    "CT1": {"host": "10.0.3.17", "port": 104, "may": ["store", "worklist", "mpps", "commit"]},
    "MR1": {"host": "10.0.3.21", "port": 104, "may": ["store", "worklist", "mpps", "commit"], "charset": "latin2"},
    "US2": {"host": "us2.clinic.example", "port": 11112, "may": ["store", "worklist"]},
    "WS-SURGERY": {"host": "10.0.7.4", "port": 4006, "may": ["send_to"]},
}
WHERE = {"CT1": "CT 1, ground floor", "MR1": "MR 1", "US2": "Ultrasound, room 4", "WS-SURGERY": "Workstation, surgery"}
PEOPLE = {
    "MRN-4011": ("Ferreira", "João", "1988-05-21", "male"),
    "MRN-4012": ("Haddad", "Leila", "1971-12-03", "female"),
    "MRN-4013": ("Kowalczyk", "Piotr", "1946-02-17", "male"),
    "MRN-4014": ("O'Brien", "Maeve", "2001-08-30", "female"),
    "MRN-4015": ("Nguyen", "Thi Lan", "1959-10-11", "female"),
    "MRN-4077": ("Novak", "Ivana", "1984-06-09", "female"),
    "MRN-4078": ("Novak", "Iva", "1984-06-09", "female"),
}
ORDERS: dict[str, tuple[str, str, str, str, str, int]] = {
    "ACC-2026-0011": ("MRN-4011", "CT", "CT abdomen with contrast", "ABDOMEN", "CT1", -55),
    "ACC-2026-0012": ("MRN-4012", "MR", "MR liver", "LIVER", "MR1", -20),
    "ACC-2026-0013": ("MRN-4013", "US", "US abdomen", "ABDOMEN", "US2", 10),
    "ACC-2026-0014": ("MRN-4014", "MR", "MR knee left", "KNEE", "MR1", 40),
    "ACC-2026-0015": ("MRN-4015", "CT", "CT thorax", "CHEST", "CT1", 65),
    "ACC-2026-0016": ("MRN-4077", "US", "US thyroid", "THYROID", "US2", 90),
    "ACC-2026-0017": ("MRN-4078", "US", "US abdomen", "ABDOMEN", "US2", 120),
}
"""Patient, modality, procedure, body part, station, and in how many minutes."""
PRIORITIES = {"ACC-2026-0011": "STAT", "ACC-2026-0015": "URGENT"}
ARRIVED = ("ACC-2026-0013", "ACC-2026-0014")
EXAMINED = {"ACC-2026-0003": "CT", "ACC-2026-0011": "CT", "ACC-2026-0012": "MR"}
OF_THE_DEMO = ("ACC-2026-0001", "ACC-2026-0002")
PRIOR = "ACC-2025-0870"
"""An examination of Åsa Lindqvist a year ago, beside that of the demo data."""
HOW_LONG_AGO = timedelta(days=371)


def prepare(server: Server) -> None:
    """What the demo data lacks."""
    for title, body in MODALITIES.items():
        accepted(server.put(f"/api/v1/modalities/{title}", body | {"description": WHERE[title]}, "admin"))
    for mrn, (family, given, born, sex) in PEOPLE.items():
        person = {"family_name": family, "given_name": given, "birth_date": born, "sex": sex}
        accepted(server.put(f"/api/v1/patients/{mrn}", person))
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number, (mrn, modality, description, body_part, station, minutes) in ORDERS.items():
        place(
            server, number, mrn, modality, description, now + timedelta(minutes=minutes),
            body_part=body_part, station_ae_title=station, ordered_by="Adeyemi^Tunde",
            priority=PRIORITIES.get(number, "ROUTINE"),
        )  # fmt: skip
    for number in ARRIVED:
        ask(server, "POST", f"/api/v1/orders/{number}/arrival", "reception")
    place(server, PRIOR, "MRN-1001", "CT", "CT thorax without contrast", now - HOW_LONG_AGO, body_part="CHEST")
    send(server, slices("CT", 24, day=(now - HOW_LONG_AGO).date(), StudyDescription="CT thorax"), order=PRIOR)
    for number, modality in EXAMINED.items():
        described = "MR liver" if modality == "MR" else "CT abdomen"
        send(server, slices(modality, 24, StudyDescription=described), order=number)
    found = {"sex": "male", "approximate_age": 40}
    emergency = {"modality": "CT", "description": "CT whole body, trauma", "station_ae_title": "CT1"}
    ask(server, "POST", "/api/v1/patients/emergency", "reception", json=found | {"order": emergency})
    _messages(server, f"{now + timedelta(minutes=75):%Y%m%d%H%M}+0000")
    _reports(server)


def _messages(server: Server, at: str) -> None:
    """Of the EHR: two orders, and one that cannot be applied."""
    for text in (
        orm("NW", "ACC-7001", "MRN-7001"),
        omi("NW", "ACC-7002", "MRN-7001"),
        orm("CA", "ACC-9999", "MRN-7001"),
    ):
        today = text.replace("202603021015+0100", at).replace("202603021015", at).replace("^^S", "^^R")
        headers = {"Content-Type": "application/hl7-v2"}
        server.request("POST", "/api/v1/hl7", user_token("service"), data=hl7(today), headers=headers)


def _reports(server: Server) -> None:
    """That of a year ago is signed, a critical one is preliminary, and a colleague writes one."""
    eventually(lambda: all(_order(server, number)["status"] == "completed" for number in (*EXAMINED, *OF_THE_DEMO)))
    draft = _write(server, PRIOR, "Lungs clear.", "No change.")
    act = f"/api/v1/reports/{draft['id']}/sign"
    ask(server, "POST", act, "radiologist", headers={"If-Match": draft["tag"]}, json=_password(server))
    said = {"level": "hours", "note": "Free air below the diaphragm"}
    draft = _write(server, "ACC-2026-0011", "Free air.", "Perforation?", critical=said)
    headers = {"If-Match": draft["tag"]}
    ask(server, "POST", f"/api/v1/reports/{draft['id']}/preliminary", "radiologist", headers=headers)
    begun = {"order_id": "ACC-2026-0012"}
    colleague = user_token("radiologist", subject="bela", name="Bela Radiologist")
    accepted(server.request("POST", "/api/v1/reports", colleague, json=begun))


def _order(server: Server, number: str) -> dict[str, Any]:
    return ask(server, "GET", f"/api/v1/orders/{number}", "radiologist")


def _password(server: Server) -> dict[str, str]:
    return {"password": (server.data_dir / "demo-password").read_text().strip()}


def _write(server: Server, order: str, findings: str, impression: str, **more: Any) -> dict[str, Any]:
    """Ravi writes a report; it, with its tag."""
    begun = server.request("POST", "/api/v1/reports", token("radiologist"), json={"order_id": order})
    report = accepted(begun)
    said = {"59776-5": findings, "19005-8": impression}
    sections = [
        {"code": one["code"], "title": one["title"], "text": said.get(one["code"], one["text"])}
        for one in report["draft"]["sections"]
    ]
    path, headers = f"/api/v1/reports/{report['id']}", {"If-Match": begun.headers["ETag"]}
    saved = server.request("PUT", path, token("radiologist"), json={"sections": sections, **more}, headers=headers)
    return accepted(saved) | {"tag": saved.headers["ETag"]}


def place(
    server: Server, number: str, mrn: str, modality: str, description: str, at: datetime, **more: str
) -> dict[str, Any]:
    """The EHR places an order; the order as answered."""
    body = {"mrn": mrn, "modality": modality, "description": description, "scheduled_at": at.isoformat()}
    return accepted(server.put(f"/api/v1/orders/{number}", body | more))


def slices(modality: str, number: int, day: date | None = None, **said: Any) -> Iterator[bytes]:
    """One study: a CT of a body of water, or an MR of a liver that others made."""
    today = day or datetime.now(UTC).date()
    if modality == "CT":
        files: Iterable[bytes] = ct_phantom(number, today=today)
    else:
        files = [wheel_file("examples_overlay.dcm")]
    study, series = generate_uid(), generate_uid()
    when = f"{today:%Y%m%d}"
    for data in files:
        ds = pydicom.dcmread(io.BytesIO(data))
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = study, series, generate_uid()
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = when
        for element in [one for one in ds if one.tag.group == 0x6000]:
            del ds[element.tag]
        for keyword, value in said.items():
            setattr(ds, keyword, value)
        yield encoded(ds)


def send(server: Server, files: Iterable[bytes], order: str | None = None) -> str:
    """Rita uploads a study from a disc; its UID."""
    headers = {"Content-Type": "application/dicom", "X-Upload-Id": str(uuid.uuid4()), "X-Upload-Source": "manual"}
    uid = ""
    for number, data in enumerate(files, 1):
        named = headers | {"X-File-Name": f"IM{number:03}.dcm"} | ({"X-Accession-Number": order} if order else {})
        answer = ask(server, "POST", "/api/v1/dicom/upload", "radiographer", data=data, headers=named)
        uid = answer["studies"][0]["study_instance_uid"]
    return uid


ROLES = {"radiographer": "technician"}
NAMES = {
    "reception": "Renu Reception",
    "radiographer": "Rita Radiographer",
    "radiologist": "Ravi Radiologist",
    "doctor": "Dora Doctor",
    "manager": "Mina Manager",
    "admin": "Ada Admin",
}


def token(account: str) -> str:
    """What the EHR makes for one of the demo accounts."""
    return user_token(ROLES.get(account, account), subject=account, name=NAMES[account])


def ask(server: Server, method: str, path: str, account: str, **options: Any) -> dict[str, Any]:
    """One of the demo accounts asks for something, and gets it."""
    return accepted(server.request(method, path, token(account), **options))


def accepted(answer: Any) -> dict[str, Any]:
    assert answer.ok, f"{answer.status_code} {answer.text}"
    return dict(answer.json()) if answer.content else {}
