"""The loop closed on the real server: from an order message to the report in the EHR, through outages and kills."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.logs import Delivery, Sending
from tests.conftest import ENGINES
from tests.live.door_steps import c_store
from tests.live.filing_steps import (
    REPORTS,
    TEXT,
    amended,
    documents,
    draft_with_text,
    radiologist,
    sign,
    signed,
    study_of_an_order,
    with_text,
)
from tests.live.mpps_steps import connected, request_of
from tests.live.worklist_steps import find, register
from tests.support import material, ports
from tests.support.ehr import Ehr
from tests.support.messages import encoded, orm
from tests.support.mllp import Peer, verdict
from tests.support.mpps import begun, data, ended
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, the_study

KILLS, MOST_VERSIONS = 4, 3
HOUR = timedelta(hours=1)
THEIRS = "orm_o01_new.hl7"
"""Of the project v2fhir-bridge; read where `--testdata` names its folder."""
SENDER = "RIS_SIM|SYNTH_HOSP"
SOURCES = """
[[source]]
name = "ris"
application = "RIS_SIM"
facility = "SYNTH_HOSP"
profile = "rad-4-2.3.1"
addresses = ["127.0.0.1"]
charset = "utf8"
"""
REPORTED = ["report.preliminary", "report.final", "report.amended", "report.withdrawn"]
TOLD = {
    "hl7": ["order.created", "order.status", *REPORTED],
    "fhir": ["order.status", "study.available", *REPORTED],
    "webhook": ["order.created", "order.status", "study.linked", "study.available", *REPORTED],
}
"""What each destination hears of."""
TITLE = "CT9"
KEYS = dict.fromkeys(
    (
        "AccessionNumber", "StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex",
        "RequestedProcedureID", "ScheduledProcedureStepID", "Modality",
    ),
    "",
)  # fmt: skip
"""Of its worklist it asks for."""


@dataclass
class Site:
    server: Server
    hl7_port: int
    mpps_port: int
    ehr: Ehr

    def starts(self) -> None:
        self.server.start()
        self.is_open()

    def is_open(self) -> None:
        """The other ports are opened after the gate."""
        eventually(lambda: self.says(b"") == "")

    def says(self, message: bytes) -> str:
        """A message of the RIS; its acknowledgement, '' when nothing is said."""
        with Peer(self.hl7_port) as peer:
            return peer.send(message) if message else ""

    def dies(self) -> None:
        """kill -9, and somebody starts it again."""
        self.server.kill()
        self.starts()


@pytest.fixture(params=ENGINES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server that hears HL7 and MPPS, and an EHR that hears it by every kind of destination."""
    (tmp_path / "sources.toml").write_text(SOURCES)
    hl7, mpps, ehr = ports.free(), ports.free(), Ehr()
    environ = {
        "EHR_BRIDGE_HL7_PORT": str(hl7),
        "EHR_BRIDGE_HL7_SOURCES": str(tmp_path / "sources.toml"),
        "EHR_BRIDGE_MPPS_PORT": str(mpps),
        "EHR_BRIDGE_STABLE_AGE": "1",
    }
    try:
        with running(tmp_path, **environ, **databases(request, request.param)) as server:
            made = Site(server, hl7, mpps, ehr)
            made.is_open()
            yield made
    finally:
        ehr.close()


def told(site: Site, *kinds: str) -> None:
    """The EHR's doors of these kinds become destinations."""
    here: dict[str, Any] = {"host": "127.0.0.1", "allow_networks": ["127.0.0.0/8"]}
    ports_of = {"hl7": site.ehr.hl7_port, "fhir": site.ehr.fhir_port, "webhook": site.ehr.webhook_port}
    for kind in kinds:
        port = ports_of[kind]
        where = {"port": port} if kind == "hl7" else {"url": f"http://127.0.0.1:{port}/in"}
        body = {key: value for key, value in here.items() if kind == "hl7" or key != "host"} | where
        made = site.server.put(f"/api/v1/destinations/{kind}", body | {"kind": kind, "events": TOLD[kind]}, "admin")
        assert made.status_code == 201, made.text
        site.ehr.secret = made.json().get("secret") or site.ehr.secret


def order_message() -> bytes:
    """Written by others, where their folder is named; else by us."""
    theirs = next((path for path in material.hl7_files() if path.name == THEIRS), None)
    return encoded(orm(sender=SENDER, version="2.5.1")) if theirs is None else theirs.read_bytes()


def images(item: Dataset, count: int = 2) -> list[bytes]:
    """What a modality makes of an item of its worklist."""
    (step,) = item.ScheduledProcedureStepSequence
    requested = data(
        AccessionNumber=item.AccessionNumber,
        StudyInstanceUID=item.StudyInstanceUID,
        RequestedProcedureID=item.RequestedProcedureID,
        ScheduledProcedureStepID=step.ScheduledProcedureStepID,
    )
    names = ("AccessionNumber", "StudyInstanceUID", "PatientID", "PatientBirthDate", "PatientSex")
    copied = {name: item.get(name, "") for name in names} | {"PatientName": str(item.PatientName)}
    series = generate_uid()
    return [
        small(RequestAttributesSequence=[requested], Modality=step.Modality, SeriesInstanceUID=series, **copied)
        for _ in range(count)
    ]


def an_hour_passes(server: Server) -> None:
    """While it is dead: whatever it has written down of its destinations is an hour older."""
    engine = create_engine(server.database_url)
    with Session(engine) as session:
        for one in session.scalars(select(Sending)):
            for name in ("lease_until", "failing_since", "next_at", "last_error_at", "last_sent_at"):
                at = getattr(one, name)
                setattr(one, name, None if at is None else at - HOUR)
        for key, at in session.execute(select(Delivery.id, Delivery.time)).all():
            session.execute(update(Delivery).where(Delivery.id == key).values(time=at - HOUR))
        session.commit()
    engine.dispose()


def queues(server: Server) -> dict[str, dict[str, Any]]:
    found = server.get("/api/v1/delivery-queues", "admin").json()["items"]
    return {one["name"]: one for one in found}


def events(server: Server, kind: str) -> list[str]:
    """The ids of all that has happened of which this destination hears, as the feed has them."""
    items = server.get("/api/v1/events?after=0&limit=500", "service").json()["items"]
    return [one["id"] for one in items if one["type"].removeprefix("org.ehr-bridge.") in TOLD[kind]]


def numbers(kind: str, ids: list[str]) -> list[str]:
    """By which its receiver knows doubles."""
    return [one.replace("-", "")[:20].upper() for one in ids] if kind == "hl7" else ids


def has_all(site: Site, *kinds: str) -> bool:
    """What the feed has each of these doors has, in its order; else AssertionError with the deliveries that differ."""
    for kind in kinds or TOLD:
        heard, wanted = list(site.ehr.inboxes[kind].heard), numbers(kind, events(site.server, kind))
        if heard != wanted:
            of_event = dict(zip(wanted, events(site.server, kind), strict=False))
            at = next((n for n, both in enumerate(zip(heard, wanted, strict=False)) if both[0] != both[1]), len(heard))
            seen = {one["event_id"]: one for one in listed(site.server, kind)}
            raise AssertionError(f"{kind}: number {at} of {len(wanted)}: {seen.get(of_event.get(wanted[at], ''))}")
    return True


def test_what_was_ordered_comes_back_as_a_report_though_everything_fails_meanwhile(site: Site) -> None:
    """Order message, worklist, MPPS, images, report, amendment, withdrawal. The EHR is away for an hour and the server
    is killed five times; every event comes, in order, and whoever drops doubles has each once."""
    server, ehr = site.server, site.ehr
    told(site, *TOLD)
    register(server, TITLE, "store", "worklist", "mpps")
    message = order_message()
    assert verdict(site.says(message))[0] == "AA"
    site.dies()
    assert verdict(site.says(message))[0] == "AA"  # the RIS repeats what it is not certain of
    (order,) = server.get("/api/v1/orders", "service").json()["items"]

    _, (item,) = eventually(lambda: found if (found := find(server, TITLE, KEYS))[1] else None)
    step, files = generate_uid(), images(item)
    whose = {"PatientID": item.PatientID, "PatientName": str(item.PatientName)}
    modality = connected(site.mpps_port, TITLE)
    assert modality.create(begun(request_of(item), **whose), step).Status == 0x0000
    modality.release()
    assert c_store(server, files[0], calling=TITLE) == [0]
    site.dies()
    assert c_store(server, *files, calling=TITLE) == [0, 0]
    modality = connected(site.mpps_port, TITLE)
    assert modality.set(ended(images={generate_uid(): [generate_uid()]}), step).Status == 0x0000
    modality.release()
    uid = str(item.StudyInstanceUID)
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 2)
    eventually(lambda: has_all(site) and ehr.order_states() == ["SC", "IP", "CM"])

    report_id, tag = draft_with_text(server, uid)
    ehr.is_away = True
    report = sign(server, report_id, tag)
    site.dies()
    eventually(lambda: all(one["waiting"] and one["failing_since"] for one in queues(server).values()))
    server.kill()
    an_hour_passes(server)
    died = threading.Event()

    def die_once() -> None:
        if not died.is_set():
            server.kill()
            died.set()

    ehr.before_answer, ehr.is_away = die_once, False
    with suppress(AssertionError):  # it may die before it is ready
        server.start()
    assert died.wait(180), server.log()[-2000:]
    site.starts()
    eventually(lambda: has_all(site))
    report = amended(server, report)
    eventually(lambda: has_all(site))
    body = {"reason": "of another patient"}
    gone = server.request("POST", f"{REPORTS}/{report['id']}/withdraw", radiologist(), json=body)
    assert gone.status_code == 200, gone.text
    eventually(lambda: has_all(site))

    assert [str(one.segment("OBR")[25]) for one in ehr.reports()] == ["F", "C", "C"]
    assert {str(one.segment("OBR")[18]) for one in ehr.reports()} == {order["accession_number"]}
    assert {str(one.segment("PID")[3][0][0]) for one in ehr.reports()} == {order["mrn"]}
    assert [TEXT in str(one) for one in ehr.reports()] == [True, True, False]
    said = [one.status for one in ehr.diagnostic_reports()]
    assert said == ["final", "corrected", "entered-in-error"]
    assert sum(one.doubles for one in ehr.inboxes.values()) >= 1
    assert [fault for one in ehr.inboxes.values() for fault in one.faults] == []
    deliveries = [one for kind in TOLD for one in listed(server, kind)]
    assert {(one["state"], one["attempts"]) for one in deliveries} == {("sent", 0)}
    eventually(lambda: only_withdrawn(server, uid))
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"]


def test_a_server_that_is_killed_at_any_moment_keeps_files_and_delivers_each_signed_version_once(site: Site) -> None:
    """While a radiologist signs and amends, documents are filed and the EHR is told; whoever signs goes on after it."""
    server, chance = site.server, random.Random(1)
    moments = [chance.uniform(0, 1.5) for _ in range(KILLS)]
    told(site, "hl7")
    studies = [study_of_an_order(server)[0] for _ in range(KILLS)]
    answered: list[tuple[str, int]] = []
    for uid, moment in zip(studies, moments, strict=True):
        victim = threading.Timer(moment, server.kill)
        victim.start()
        with suppress(requests.RequestException, AssertionError):  # it dies while it is asked, or answers 503
            for _ in range(MOST_VERSIONS):
                report = next_version(server, uid)
                answered.append((report["id"], report["version"]))
        victim.join()
        site.starts()
    for uid in studies:
        report = next_version(server, uid)
        answered.append((report["id"], report["version"]))
    issued = {uid: versions_of(server, uid) for uid in studies}
    moments_told = f"killed after {moments} s; answered {answered}"
    kept = {(one["report_id"], one["version"]) for found in issued.values() for one in found}
    assert kept >= set(answered), moments_told
    for report_id, number in kept:
        proof = server.get(f"{REPORTS}/{report_id}/versions/{number}/verify", "doctor").json()
        assert proof["ok"], (proof, moments_told)
    assert server.get("/api/v1/audit/verify", "admin").json()["ok"], moments_told
    for uid, found in issued.items():
        numbered = sorted(f"{kind} {one['version']}" for one in found for kind in ("SR", "DOC"))
        eventually(lambda uid=uid, numbered=numbered: filed(server, uid) == numbered)
    eventually(lambda: has_all(site, "hl7"))
    assert len(site.ehr.reports()) == len(kept), moments_told
    assert site.ehr.messages.faults == [], moments_told


def next_version(server: Server, uid: str) -> dict[str, Any]:
    """Go on with the report of a study wherever it is, and sign: one that was signed is corrected."""
    found = server.request("GET", f"{REPORTS}?study_instance_uid={uid}", radiologist()).json()["items"]
    if not found:
        return signed(server, uid)
    path = f"{REPORTS}/{found[0]['id']}"
    answer = server.request("GET", path, radiologist())
    if answer.json()["draft"] is None:
        return amended(server, answer.json())
    return sign(server, found[0]["id"], with_text(server, answer.json(), answer.headers["ETag"]))


def versions_of(server: Server, uid: str) -> list[dict[str, Any]]:
    (report,) = server.get(f"{REPORTS}?study_instance_uid={uid}", "doctor").json()["items"]
    items = server.get(f"{REPORTS}/{report['id']}/versions", "doctor").json()["items"]
    return [{"report_id": report["id"], "version": one["version"]} for one in items]


def filed(server: Server, uid: str) -> list[str]:
    """Kind and version of each document in a study, from what its series is called."""
    found = [
        (str(one.Modality), re.search(r"version (\d+)", str(one.SeriesDescription))) for one in documents(server, uid)
    ]
    return sorted(f"{kind} {number and number[1]}" for kind, number in found)


def only_withdrawn(server: Server, uid: str) -> bool:
    """Two documents are in the study, and both say that the report is withdrawn."""
    found = [str(one.SeriesDescription) for one in documents(server, uid)]
    return len(found) == 2 and all("withdrawn" in one for one in found)


def listed(server: Server, name: str) -> list[dict[str, Any]]:
    answer = server.request("GET", f"/api/v1/destinations/{name}/deliveries?limit=500", user_token("admin"))
    return list(answer.json()["items"])
