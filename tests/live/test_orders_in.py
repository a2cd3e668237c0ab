"""An order is the same whichever door it comes through: worklist, images, audit; and so are its changes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.conftest import ENGINES
from tests.live.door_steps import c_store
from tests.live.incoming_steps import DOORS, Desk, Door, FhirTransaction, FhirUpdates, Orm, Ports, Rest
from tests.live.worklist_steps import find, match_of, register
from tests.support import ports
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, study

SOURCE = """
[[source]]
name = "his"
application = "HIS"
facility = "NORTHWING"
profile = "rad-4-2.5.1"
addresses = ["127.0.0.1"]
charset = "utf-8"
"""
SHOWN = (
    "AccessionNumber", "PatientBirthDate", "PatientID", "PatientName", "PatientSex", "ReferringPhysicianName",
    "RequestedProcedureDescription", "RequestedProcedureID", "RequestedProcedurePriority", "StudyInstanceUID",
)  # fmt: skip
OF_STEP = (
    "Modality", "ScheduledProcedureStepDescription", "ScheduledProcedureStepID", "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime", "ScheduledProcedureStepStatus",
)  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def incoming(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A server in Berlin with every door open."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "sources.toml").write_text(SOURCE)
    hl7, fhir = ports.free(), ports.free()
    environ = {
        "EHR_BRIDGE_HL7_PORT": str(hl7),
        "EHR_BRIDGE_HL7_SOURCES": str(folder / "sources.toml"),
        "EHR_BRIDGE_FHIR_PORT": str(fhir),
        "EHR_BRIDGE_TIME_ZONE": "Europe/Berlin",
    }
    with running(folder, **environ, **databases(request, request.param)) as server:
        eventually(lambda: {"hl7": "ok", "fhir": "ok"}.items() <= server.get("/api/v1/health").json()["checks"].items())
        register(server, "MR1", "store", "worklist")
        yield Ports(server, hl7, fhir)


@pytest.fixture(params=DOORS, ids=lambda door: door.__name__)
def door(request: pytest.FixtureRequest, incoming: Ports) -> Door:
    kind: type[Door] = request.param
    return kind(incoming)


@pytest.fixture
def server(incoming: Ports) -> Server:
    return incoming.server


@pytest.fixture
def number() -> str:
    return uuid.uuid4().hex[:8].upper()


def item_of(server: Server, accession: str) -> dict[str, str] | None:
    """What the worklist shows of an order; None when it is not on it."""
    keys = {"AccessionNumber": accession} | dict.fromkeys((*SHOWN[1:], *OF_STEP), "")
    _, items = find(server, "MR1", keys)
    if not items:
        return None
    (item,) = items
    (step,) = item.ScheduledProcedureStepSequence
    return {name: str(item.get(name, "")) for name in SHOWN} | {name: str(step.get(name, "")) for name in OF_STEP}


def images(item: dict[str, str]) -> bytes:
    """An image as a modality makes it that asked for this item."""
    request = Dataset()
    request.ScheduledProcedureStepID = item["ScheduledProcedureStepID"]
    request.RequestedProcedureID = item["RequestedProcedureID"]
    copied = ("AccessionNumber", "PatientBirthDate", "PatientID", "PatientName", "PatientSex", "StudyInstanceUID")
    return small(RequestAttributesSequence=[request], **{name: item[name] for name in copied})


def audited(server: Server, order: dict[str, Any]) -> list[tuple[str, str]]:
    """What the trail says of an order and its patient, whoever told it."""
    answer = server.get(f"/api/v1/audit?patient={order['patient_id']}&limit=500", "admin")
    return sorted((event["action"], event["outcome"]) for event in answer.json()["items"])


def test_the_same_order_is_the_same_on_the_worklist_on_its_images_and_in_the_audit_trail(
    door: Door, incoming: Ports, server: Server, number: str
) -> None:
    """Compared with what our own requests make, name by name. The desk gives procedures and steps no own numbers."""
    seen = []
    for mrn, accession in (door.place(number), Rest(incoming).place("OURS" + number)):
        item = item_of(server, accession)
        assert item is not None
        assert c_store(server, images(item)) == [0]
        uid = item["StudyInstanceUID"]
        order = server.get(f"/api/v1/orders/{accession}", "service").json()
        eventually(lambda uid=uid: (study(server, uid) or {}).get("number_of_instances") == 1)
        found = study(server, uid)
        assert found is not None
        assert (found["link_status"], found["order_ids"], match_of(server, uid)) == ("linked", [order["id"]], "exact")
        plain = {
            name: value.removeprefix("RP-").removeprefix("SP-").replace(accession, "ACCESSION").replace(mrn, "MRN")
            for name, value in item.items()
            if name != "StudyInstanceUID"
        }
        seen.append((plain, audited(server, order)))
    assert seen[0] == seen[1]
    assert seen[0][0]["ScheduledProcedureStepStartTime"] == "101500"
    assert seen[0][0]["PatientName"] == "Lindqvist^Åsa"


def test_what_is_corrected_through_any_door_is_so_on_the_worklist_and_in_the_files(
    door: Door, server: Server, number: str
) -> None:
    mrn, accession = door.place(number)
    item = item_of(server, accession)
    assert item is not None
    assert c_store(server, images(item)) == [0]
    uid = item["StudyInstanceUID"]
    eventually(lambda: (study(server, uid) or {}).get("link_status") == "linked")
    door.rename(mrn)
    now = item_of(server, accession)
    assert now is None or now["PatientName"] == "Lindqvist-Berg^Åsa"
    eventually(lambda: [str(one.PatientName) for one in instances(server, uid)] == ["Lindqvist-Berg^Åsa"])


def test_what_is_cancelled_through_any_door_is_gone_from_the_worklist(door: Door, server: Server, number: str) -> None:
    mrn, accession = door.place(number)
    assert item_of(server, accession) is not None
    door.cancel(mrn, accession)
    assert item_of(server, accession) is None
    order = server.get(f"/api/v1/orders/{accession}", "service").json()
    assert order["status"] == "cancelled"
    assert ("order.cancelled", "success") in audited(server, order)


@pytest.mark.parametrize("kind", [Rest, Desk, Orm], ids=lambda door: door.__name__)
def test_what_is_merged_is_the_survivors(kind: type[Rest | Orm], incoming: Ports, server: Server, number: str) -> None:
    """The order at once, the files by a job. FHIR knows no merge that we take."""
    door = kind(incoming)
    mrn, accession = door.place(number)
    survivor, _ = door.place("S" + number)
    item = item_of(server, accession)
    assert item is not None
    assert c_store(server, images(item)) == [0]
    uid = item["StudyInstanceUID"]
    eventually(lambda: (study(server, uid) or {}).get("link_status") == "linked")
    door.merge(mrn, survivor)
    assert server.get(f"/api/v1/orders/{accession}", "service").json()["mrn"] == survivor
    eventually(lambda: [one.PatientID for one in instances(server, uid)] == [survivor])


@pytest.mark.parametrize("kind", [FhirUpdates, FhirTransaction], ids=lambda door: door.__name__)
def test_who_may_not_tell_orders_may_not_do_it_over_fhir_either(
    kind: type[FhirUpdates], incoming: Ports, server: Server, number: str
) -> None:
    """A nurse's token: refused, and nothing of the Bundle is kept."""
    door = kind(incoming, "nurse")
    with pytest.raises(AssertionError, match="forbidden"):
        door.place(number)
    assert server.get(f"/api/v1/patients/W-{number}", "service").status_code == 404
