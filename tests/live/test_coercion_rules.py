"""A site's own coercion rules, read at the start and obeyed at every door."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, place_order, study, the_study, upload

RULES = """
[[rule]]
attribute = "PatientID"
from = "patient.mrn"

[[rule]]
attribute = "PatientName"
from = "patient.name"
on_conflict = "flag"
doors = ["upload"]

[[rule]]
attribute = "StudyDescription"
from = "order.description"
doors = ["c_store"]

[[rule]]
attribute = "InstitutionName"
value = "Mobile unit"
when = "empty"
calling_ae_titles = ["BUS1"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.toml").write_text(RULES)
    server = Server(folder / "var", {"EHR_BRIDGE_COERCION_RULES": str(folder / "rules.toml")})
    server.start()
    yield server
    assert server.stop() == 0, server.log()[-3000:]


def scanned(order: dict[str, str], uid: str, **values: str) -> bytes:
    return small(
        StudyInstanceUID=uid,
        AccessionNumber=order["accession_number"],
        PatientID=order["mrn"],
        PatientName="LINDQVIST^ASA",
        PatientBirthDate="19610314",
        **values,
    )


def test_each_caller_and_door_has_its_rules(server: Server) -> None:
    """Two modalities send to one study: only the one that is named gets the institution; nobody is renamed."""
    order, uid = place_order(server), str(generate_uid())
    assert c_store(server, scanned(order, uid), calling="MR1") == [0]
    files = [scanned(order, uid), scanned(order, uid, InstitutionName="Known")]
    assert c_store(server, *files, calling="BUS1") == [0xB000, 0]
    assert c_store(server, files[0], calling="BUS1") == [0]
    seen = eventually(lambda: (s := study(server, uid)) and s["number_of_instances"] == 3 and s)
    assert (seen["link_status"], seen["order_id"]) == ("linked", order["id"])
    held = instances(server, uid)
    assert sorted(str(ds.get("InstitutionName", "")) for ds in held) == ["", "Known", "Mobile unit"]
    assert {str(ds.PatientName) for ds in held} == {"LINDQVIST^ASA"}
    assert {str(ds.StudyDescription) for ds in held} == {order["description"]}
    own = next(ds for ds in held if ds.get("InstitutionName") == "Mobile unit")
    before = own.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert str(before.StudyDescription) == "MR brain" and not before.InstitutionName
    assert len(own.OriginalAttributesSequence) == 1

    def senders() -> dict[object, Any]:
        return {entry["uploaded_by"]: entry["number_of_files"] for entry in uploads_of(server, uid)}

    eventually(lambda: senders()["ae:MR1"] == 1 and senders()["ae:BUS1"] >= 2)


def uploads_of(server: Server, uid: str) -> list[dict[str, Any]]:
    items = server.get("/api/v1/dicom/uploads?limit=100", "nurse").json()["items"]
    return [entry for entry in items if entry["study_instance_uid"] == uid]


def test_a_conflict_that_is_flagged_goes_to_a_person(server: Server) -> None:
    """The name in the file is kept, the image stored, and the study waits in the list."""
    order, uid = place_order(server), str(generate_uid())
    answer = upload(server, scanned(order, uid), X_Order_Id=order["id"])
    assert answer.status_code == 201
    eventually(lambda: the_study(server, uid)["link_status"] == "ambiguous")
    assert str(pydicom.dcmread(io.BytesIO(scanned(order, uid))).PatientName) == str(
        instances(server, uid)[0].PatientName
    )


def test_wrong_rules_stop_the_start(tmp_path: Path) -> None:
    """With the number of the rule and its attribute, before anything is created."""
    (tmp_path / "rules.toml").write_text(RULES.replace('"InstitutionName"', '"StudyInstanceUID"'))
    server = Server(tmp_path / "var", {"EHR_BRIDGE_COERCION_RULES": str(tmp_path / "rules.toml")})
    with pytest.raises(AssertionError, match=r"EHR_BRIDGE_COERCION_RULES: rule 4 \(StudyInstanceUID\)"):
        server.start()
    assert server.process is not None and server.process.wait(300) == 2
    assert not (tmp_path / "var").exists()
