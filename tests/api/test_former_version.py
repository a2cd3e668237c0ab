"""A database of version 0.2.0 with an archive in use, as the newest version finds it; and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.services.audit.verification import GENESIS, chain_hash
from tests.api.conftest import make_api
from tests.conftest import ENGINES, PostgresCluster

OF_0_2_0 = "0013_deletion_facts"
"""The last migration of version 0.2.0."""
AT = "2026-03-02 09:30:00.000000"
LINKED, UNLINKED = "2.25.101", "2.25.102"
ASA, OLDER, ORDER, LATER, STUDY, LOOSE, UPLOAD = (f"{number:032x}" for number in range(1, 8))

type Row = tuple[str, dict[str, Any]]


def rows_of_an_archive_in_use() -> Iterator[Row]:
    """One patient with two records that were merged, an order that was examined and one to come, a study that is linked
    and one that is not, who may sign in, and what was written down of it all."""
    dated = {"created_at": AT, "updated_at": AT}
    asa = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female", **dated}
    yield "patients", {"id": ASA, "mrn": "MRN-1", "middle_name": "Maria", **asa}
    yield "patients", {"id": OLDER, "mrn": "MRN-0", "merged_into_id": ASA, **asa}
    yield "patient_match_keys", {"patient_id": ASA, "key": "mrn:MRN-1"}
    order = {"patient_id": ASA, "modality": "MR", "description": "MR brain", "scheduled_at": AT, **dated,
             "station_ae_title": "MR1", "priority": "STAT"}  # fmt: skip
    yield (
        "orders",
        {"id": ORDER, "accession_number": "ACC-1", "status": "completed", "scheduled_study_instance_uid": LINKED,
         "study_instance_uid": LINKED, "number_of_series": 1, "number_of_images": 1, **order},
    )  # fmt: skip
    yield (
        "orders",
        {"id": LATER, "accession_number": "ACC-2", "status": "scheduled", "scheduled_study_instance_uid": "2.25.2",
         "study_instance_uid": "2.25.2", **order, "priority": None},
    )  # fmt: skip
    study = {"match_score": 1.0, "match_evidence": "[]", "corrections": "{}", "coerced": "[]", "modalities": '["MR"]',
             "number_of_series": 1, "number_of_instances": 1, "is_settled": True, "study_date": "2026-03-02",
             "study_date_key": "2026-03-02", "modality_key": "|MR|", "patient_name_key": "lindqvist asa",
             **dated}  # fmt: skip
    said = json.dumps({"PatientName": "Lindqvist^Åsa", "PatientID": "MRN-1"})
    yield (
        "studies",
        {"id": STUDY, "study_instance_uid": LINKED, "patient_id": ASA, "order_id": ORDER, "link_status": "linked",
         "match_kind": "exact", "received_identity": said, "accession_key": "ACC-1", "orthanc_study_id": "home-1",
         **study},
    )  # fmt: skip
    yield (
        "studies",
        {"id": LOOSE, "study_instance_uid": UNLINKED, "link_status": "unlinked", "match_kind": "none",
         "received_identity": said, "orthanc_study_id": "home-2", **study},
    )  # fmt: skip
    yield (
        "study_links",
        {"id": STUDY, "study_id": STUDY, "patient_id": ASA, "order_id": ORDER, "match_kind": "exact", "evidence": "[]",
         "linked_by": "ehr-bridge", "linked_at": AT},
    )  # fmt: skip
    for part, place in (("lindqvist", "family"), ("asa", "given")):
        yield "study_names", {"study_id": STUDY, "part": part, "place": place}
    yield (
        "dicom_upload_logs",
        {"id": UPLOAD, "upload_id": UPLOAD, "patient_id": ASA, "order_id": ORDER, "uploaded_by": "tess",
         "study_instance_uid": LINKED, "number_of_files": 1, "number_of_duplicates": 0, "total_size_bytes": 4,
         "tags_modified": False, "upload_status": "success", "uploaded_at": AT, "upload_source": "web",
         "is_deleted": False},
    )  # fmt: skip
    yield (
        "instances",
        {"orthanc_instance_id": "image", "study_id": STUDY, "upload_log_id": UPLOAD, "series_instance_uid": "2.25.3",
         "sop_instance_uid": "2.25.4", "modality": "MR", "size_bytes": 4, "door": "upload", "received_at": AT},
    )  # fmt: skip
    yield (
        "deletion_requests",
        {"id": STUDY, "study_id": LOOSE, "study_instance_uid": UNLINKED, "status": "pending", "reason": "a phantom",
         "requested_by": "tess", "requested_at": AT, "late_instances": 0},
    )  # fmt: skip
    yield (
        "users",
        {"id": ASA, "username": "tess", "full_name": "Tess Berg", "password_hash": "-", "roles": '["technician"]',
         "is_active": True, "created_at": AT},
    )  # fmt: skip
    yield from events(["order.created", "study.linked", "deletion.requested"])


def events(actions: list[str]) -> Iterator[Row]:
    previous = GENESIS
    moment = datetime.fromisoformat(f"{AT}+00:00").isoformat(timespec="microseconds")
    for number, action in enumerate(actions, 1):
        content = [previous, number, moment, "tess", action, "success", None, None, LINKED, "10.0.0.7", {}]
        row = {"id": number, "at": AT, "actor": "tess", "action": action, "outcome": "success",
               "study_instance_uid": LINKED, "address": "10.0.0.7", "detail": "{}",
               "previous_hash": previous}  # fmt: skip
        previous = chain_hash(content)
        yield "audit_events", {**row, "hash": previous}


def write(connection: Connection, rows: Iterator[Row]) -> None:
    """As the databases take them, without what the newest version knows of its tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    for table, values in rows:
        places = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"), values)


@pytest.fixture(params=ENGINES)
def former(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database that version 0.2.0 has filled."""
    postgres: PostgresCluster | None = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
    database = Database(postgres.new_database() if postgres else f"sqlite:///{tmp_path / 'former.sqlite3'}")
    migrate.upgrade(database, OF_0_2_0)
    with database.engine.begin() as connection:
        write(connection, rows_of_an_archive_in_use())
    yield database
    database.dispose()
    if postgres:
        postgres.drop(database.engine.url.render_as_string(hide_password=False))


def test_an_archive_of_version_0_2_0_is_all_there_after_the_upgrade(former: Database, tmp_path: Path) -> None:
    """Patients with their merged records, orders with their appointments, studies with their links, uploads, requests
    to delete, accounts, and an audit trail that is whole and goes on."""
    migrate.upgrade(former)
    api = make_api(former, tmp_path)

    def listed(path: str, *roles: str) -> list[dict[str, Any]]:
        answer = api.get(f"/api/v1/{path}", *roles)
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    patients = listed("patients?q=lindqvist", "reception")
    assert {one["mrn"]: one["birth_date"] for one in patients} == {"MRN-1": "1961-03-14", "MRN-0": "1961-03-14"}
    orders = {one["accession_number"]: one for one in listed("orders?modality=MR&station_ae_title=MR1", "technician")}
    assert {name: one["status"] for name, one in orders.items()} == {"ACC-1": "completed", "ACC-2": "scheduled"}
    assert orders["ACC-1"]["scheduled_at"].startswith("2026-03-02T09:30:00")
    for path, role, found in (
        ("dicom/studies?patient_name=lindqvist", "nurse", LINKED),
        ("dicom/studies?patient=MRN-0", "nurse", LINKED),
        ("reconciliation", "technician", UNLINKED),
        ("dicom/uploads", "admin", LINKED),
        ("deletions", "admin", UNLINKED),
    ):
        (one,) = listed(path, role)
        assert found in json.dumps(one), path
    assert "tess" in [one["username"] for one in listed("accounts", "admin")]
    placed = api.place_order("ACC-3", "MRN-1")
    assert placed["accession_number"] == "ACC-3"
    verdict = api.get("/api/v1/audit/verify", "admin").json
    assert verdict["ok"] and verdict["events"] > 3, verdict


def test_the_way_back_to_version_0_2_0_keeps_what_it_knew(former: Database, tmp_path: Path) -> None:
    """Migrations are reverted step by step: each row is as it was, and the audit trail is whole."""

    def rows(table: str) -> list[dict[str, Any]]:
        with former.engine.connect() as connection:
            found = connection.execute(text(f"SELECT * FROM {table}")).mappings()
            return sorted((dict(row) for row in found), key=repr)

    tables = dict.fromkeys(table for table, _ in rows_of_an_archive_in_use())
    before = {table: rows(table) for table in tables}
    migrate.upgrade(former)
    migrate.downgrade(former, OF_0_2_0)
    assert {table: rows(table) for table in tables} == before
    migrate.upgrade(former)
    assert make_api(former, tmp_path).get("/api/v1/audit/verify", "admin").json["ok"]
