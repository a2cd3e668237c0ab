"""Demo data for a first look: accounts, patients, orders, and two studies sent through the real upload door."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pydicom.data
import requests

from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.services.accounts.token_rules import token_rules
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import Services, build_services, utc_now
from ehr_bridge.services.registry.order_search import OrderWish
from ehr_bridge.services.registry.patients import PatientData, PatientWish
from ehr_bridge.services.registry.told_orders import OrderData, ToldOrder
from ehr_bridge.settings import Settings
from plugin.starting.kept_secret import kept_secret
from plugin.starting.phantom import ct_phantom

DEMO = Origin("demo")
ACCOUNTS = {
    "reception": ("Renu Reception", ["reception"]),
    "radiographer": ("Rita Radiographer", ["technician"]),
    "doctor": ("Dora Doctor", ["doctor"]),
    "radiologist": ("Ravi Radiologist", ["radiologist"]),
    "nurse": ("Nora Nurse", ["nurse"]),
    "manager": ("Mina Manager", ["manager"]),
    "admin": ("Ada Admin", ["admin"]),
}
PATIENTS = {
    "MRN-1001": PatientData("Lindqvist", "Åsa", date(1961, 3, 14), "female", None),
    "MRN-1002": PatientData("Okafor", "Chidi", date(1978, 11, 2), "male", None, middle_name="Emeka", prefix="Dr."),
    "MRN-1003": PatientData("Müller", "Jürgen", date(1950, 7, 30), "male", None),
    "MRN-1004": PatientData("Tanaka", "Yuki", date(1993, 1, 9), "female", None),
    "MRN-1005": PatientData(None, None, None, "unknown", None),
}
ORDERS = {
    "ACC-2026-0001": ("MRN-1001", "CT", "CT thorax without contrast", "Ekström^Maria", "CHEST"),
    "ACC-2026-0002": ("MRN-1002", "MR", "MR brain", "Adeyemi^Tunde", "HEAD"),
    "ACC-2026-0003": ("MRN-1003", "CT", "CT abdomen with contrast", "Weiß^Karin", "ABDOMEN"),
    "ACC-2026-0004": ("MRN-1004", "CR", "Chest PA and lateral", "Sato^Kenji", "CHEST"),
    "ACC-2026-0005": ("MRN-1005", "CT", "CT head, emergency", None, "HEAD"),
}


def create(settings: Settings) -> list[str]:
    """Create what is missing; returns lines that tell a person how to begin."""
    password = kept_secret(settings.data_dir / "demo-password")
    database = Database(settings.sqlalchemy_url)
    services = build_services(settings, database)
    known = {account.username for account in services.accounts.search(500, 0).items}
    for username, (name, roles) in ACCOUNTS.items():
        if username not in known:  # a password that nobody needs would be hashed, which is meant to take long
            services.accounts.create(username, name, password, roles, DEMO)
    today = utc_now().replace(hour=8, minute=0, second=0, microsecond=0)
    if services.patients.search(PatientWish(), 1, 0).total == 0:
        _patients_and_orders(services, today)
    placed = {
        accession: services.orders.search(OrderWish(accession_number=accession), 1, 0).items for accession in ORDERS
    }
    waiting = {accession for accession, found in placed.items() if _has_no_images(found)}
    database.dispose()
    token = _token(settings)
    if "ACC-2026-0001" in waiting:
        _upload(settings, token, "ACC-2026-0001", ct_phantom(120, today=today.date()))
    if "ACC-2026-0002" in waiting:
        _upload(settings, token, "ACC-2026-0002", _real_images())
    return [
        f"sign in:  {', '.join(ACCOUNTS)}",
        f"password: {password}",
        f"API:      http://127.0.0.1:{settings.http_port}/api/v1/docs",
        f"DICOM:    {settings.ae_title} at port {settings.dicom_port}",
    ]


def _patients_and_orders(services: Services, today: datetime) -> None:
    first = next((one.name for one in services.patients.authorities), None)
    for mrn, data in PATIENTS.items():
        services.patients.upsert(mrn, replace(data, issuer=first), DEMO)
    for number, (accession, (mrn, modality, description, ordered_by, body_part)) in enumerate(ORDERS.items()):
        order = OrderData(
            modality=modality,
            description=description,
            scheduled_at=today + timedelta(minutes=45 * number),
            ordered_by=ordered_by,
            placer_order_number=f"PLC-{5101 + number}",
            requested_procedure_id=f"RP-{1026 + number}",
            scheduled_procedure_step_id=f"SPS-{2032 + number}",
            body_part=body_part,
            priority="STAT" if "emergency" in description else "ROUTINE",
        )
        services.orders.upsert(ToldOrder(accession, mrn, order), DEMO)


def _has_no_images(orders: list[Order]) -> bool:
    return bool(orders) and not orders[0].number_of_images


def _token(settings: Settings) -> str:
    return make_user_token(
        token_rules(settings),
        subject="radiographer",
        name="Rita Radiographer",
        roles=["technician"],
        now=datetime.now(UTC),
        ttl=timedelta(minutes=10),
    )


def _upload(settings: Settings, token: str, accession_number: str, files: Iterable[bytes]) -> None:
    """Send files one by one as one upload, like the upload page."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/dicom",
        "X-Accession-Number": accession_number,
        "X-Upload-Id": str(uuid.uuid4()),
        "X-Upload-Source": "manual",
    }
    with requests.Session() as session:
        session.trust_env = False
        for number, data in enumerate(files, 1):
            answer = session.post(
                f"http://127.0.0.1:{settings.http_port}/api/v1/dicom/upload",
                data=data,
                headers=headers | {"X-File-Name": f"demo-{number:03}.dcm"},
                timeout=60,
            )
            answer.raise_for_status()


def _real_images() -> list[bytes]:
    """A real MR study (seven slices of an angiography) from the test files of the pydicom package."""
    folder = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests" / "98892003" / "MR700"
    return [path.read_bytes() for path in sorted(folder.iterdir())]
