"""Sending a study to a modality, on both databases, with a device in memory: who may, and what happens on the way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.results.documents import ReportDocument
from ehr_bridge.reporting.states import DocumentStatus
from ehr_bridge.services.interfaces import sending_jobs
from ehr_bridge.services.interfaces.sending_jobs import SendingJobs
from tests.api.conftest import Api
from tests.api.privacy_steps import break_glass, restrict
from tests.api.report_steps import signed, with_images
from tests.api.tag_steps import modify, store
from tests.support.client import Answer


class Device:
    """A workstation that takes what it wants to."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refuses: set[str] = set()
        self.is_on = True
        self.before: Callable[[], object] = lambda: None

    def send(self, ae_title: str, orthanc_instance_ids: Sequence[str], meanwhile: Callable[[], object]) -> str | None:
        self.before()
        if not self.is_on:
            return "connecting failed"
        for one in orthanc_instance_ids:
            meanwhile()
            if one in self.refuses:
                return "DIMSE status 0xA700"
            self.taken.append(one)
        return None

    def answers(self, ae_title: str) -> bool:
        return self.is_on


class Node(SendingJobs):
    """A node that works until nothing is due, however slow the machine is."""

    def run(self, seconds: float = 3600) -> None:
        super().run(seconds)


class Nodes:
    """Nodes that send, and their clock."""

    def __init__(self, api: Api, device: Device) -> None:
        self.api, self.device = api, device
        self.now = datetime.now(UTC)

    def node(self, name: str = "one") -> SendingJobs:
        services = self.api.services
        return Node(
            services.database, self.api.archive, self.device, services.restrictions, lambda: name, lambda: self.now
        )


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def nodes(api: Api, device: Device) -> Nodes:
    return Nodes(api, device)


def study(api: Api, instances: int = 3) -> str:
    """A linked study with so many images; its UID."""
    api.place_order()
    return store(api, instances, PatientID="MRN-1", PatientName="Lindqvist^Åsa", AccessionNumber="ACC-1")


def register(api: Api, ae_title: str = "WS2", *may: str) -> None:
    body = {"host": "10.0.3.17", "port": 104, "may": list(may or ("send_to",))}
    assert api.call("PUT", f"/api/v1/modalities/{ae_title}", "admin", json=body).status_code in {200, 201}


def send(api: Api, uid: str, ae_title: str = "WS2", role: str = "doctor", **headers: str) -> Answer:
    body = {"ae_title": ae_title}
    return api.call("POST", f"/api/v1/dicom/studies/{uid}/send", role, json=body, headers=headers)


def state(api: Api, sending: dict[str, Any]) -> dict[str, Any]:
    return dict(api.get(f"/api/v1/sendings/{sending['id']}", "doctor").json)


def audited(api: Api) -> list[tuple[str, str, str, Any, Any]]:
    events = api.get("/api/v1/audit", "admin").json["items"]
    wanted = [one for one in events if one["action"] in {"study.send_requested", "study.sent"}][::-1]
    return [
        (one["action"], one["outcome"], one["actor"], one["detail"]["instances"], one["detail"].get("refused"))
        for one in wanted
    ]


def test_a_study_is_sent_to_a_workstation(api: Api, nodes: Nodes) -> None:
    uid = study(api)
    register(api)
    asked = send(api, uid, "ws2")
    assert (asked.status_code, asked.json["status"], asked.json["number_of_instances"]) == (202, "queued", 3)
    assert asked.headers["Location"] == f"/api/v1/sendings/{asked.json['id']}"
    assert send(api, uid).json["id"] == asked.json["id"]
    nodes.node().run()
    done = state(api, asked.json)
    assert (done["status"], done["number_sent"], done["number_refused"], done["error_code"]) == (
        "succeeded",
        3,
        0,
        None,
    )
    assert done["ae_title"] == "WS2"
    assert sorted(nodes.device.taken) == sorted(api.archive.instances_of(uid))
    assert audited(api) == [
        ("study.send_requested", "success", "doctor", 3, None),
        ("study.sent", "success", "doctor", 3, 0),
    ]
    listed = api.get(f"/api/v1/dicom/studies/{uid}/sendings", "doctor").json
    assert (listed["total"], listed["items"]) == (1, [done])
    again = send(api, uid)
    assert again.json["id"] != asked.json["id"]


def test_only_modalities_that_may_be_sent_to(api: Api) -> None:
    uid = study(api, 1)
    register(api, "CT2", "store", "worklist")
    register(api, "WS2", "send_to", "store")
    assert (send(api, uid, "CT2").status_code, send(api, uid, "CT2").json["code"]) == (409, "modality_not_sent_to")
    assert (send(api, uid, "CT9").status_code, send(api, uid, "CT9").json["code"]) == (404, "modality_not_found")
    assert send(api, "1.2.3", "WS2").json["code"] == "study_not_found"
    assert send(api, uid, "WS2", "nurse").status_code == 403
    offered = api.get("/api/v1/modalities?may=send_to", "doctor").json
    assert [one["ae_title"] for one in offered["items"]] == ["WS2"]
    assert api.get("/api/v1/modalities?may=send_to", "nurse").status_code == 403


def test_asking_twice_under_one_key_sends_once(api: Api, nodes: Nodes) -> None:
    uid = study(api, 1)
    register(api)
    key = {"Idempotency-Key": "a-doctor-clicked-twice"}
    first = send(api, uid, **key)
    nodes.node().run()
    second = send(api, uid, **key)
    assert (second.json, second.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert len(nodes.device.taken) == 1


def test_what_it_refuses_is_counted_and_the_rest_is_sent(api: Api, nodes: Nodes) -> None:
    uid = study(api)
    register(api)
    nodes.device.refuses = {api.archive.instances_of(uid)[1]}
    sending = send(api, uid).json
    nodes.node().run()
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["number_refused"]) == ("partial", 2, 1)
    assert (done["error_code"], done["refusal"]) == ("images_refused", "DIMSE status 0xA700")
    assert audited(api)[-1] == ("study.sent", "partial", "doctor", 2, 1)


def test_a_device_that_refuses_everything_is_not_asked_for_each_image(
    api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_jobs, "AT_ONCE", 2)
    uid = study(api, 5)
    register(api)
    nodes.device.refuses = set(api.archive.instances_of(uid))
    sending = send(api, uid).json
    nodes.node().run()
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["number_refused"]) == ("failed", 0, 2)
    assert done["error_code"] == "images_refused"


def test_a_device_that_is_away_is_tried_again_and_then_given_up(api: Api, nodes: Nodes) -> None:
    uid = study(api)
    register(api)
    nodes.device.is_on = False
    sending = send(api, uid).json
    nodes.node().run()
    waits = state(api, sending)
    assert (waits["status"], waits["error_code"]) == ("running", "modality_away")
    assert "does not answer" in waits["error_message"]
    nodes.device.is_on = True
    nodes.node().run()
    assert state(api, sending)["number_sent"] == 0, "not before its pause is over"
    nodes.now += timedelta(seconds=3)
    nodes.node().run()
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["error_code"]) == ("succeeded", 3, None)
    nodes.device.is_on = False
    sending = send(api, uid).json
    for _ in range(8):
        nodes.node().run()
        nodes.now += timedelta(seconds=200)
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["error_code"]) == ("failed", 0, "modality_away")


def test_nothing_counts_as_sent_that_the_archive_does_not_list(api: Api, nodes: Nodes) -> None:
    """It does not answer for a moment, or the images are gone."""
    uid = study(api)
    register(api)
    sending = send(api, uid).json
    kept = dict(api.archive.instances)
    api.archive.instances.clear()
    nodes.node().run()
    waits = state(api, sending)
    assert (waits["status"], waits["error_code"], waits["number_of_instances"]) == ("running", "archive_unavailable", 3)
    api.archive.instances.update(dict(list(kept.items())[:2]))
    nodes.now += timedelta(seconds=3)
    nodes.node().run()
    waits = state(api, sending)
    assert (waits["status"], waits["number_sent"], waits["number_of_instances"]) == ("running", 2, 3)
    api.archive.instances.update(kept)
    nodes.now += timedelta(seconds=200)
    nodes.node().run()
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["error_code"]) == ("succeeded", 3, None)


@pytest.mark.parametrize(("left", "status"), [(0, "failed"), (2, "partial")])
def test_images_that_stay_away_end_it_by_name(api: Api, nodes: Nodes, left: int, status: str) -> None:
    uid = study(api)
    register(api)
    sending = send(api, uid).json
    for one in api.archive.instances_of(uid)[left:]:
        api.archive.delete(one)
    for _ in range(10):
        nodes.node().run()
        nodes.now += timedelta(seconds=200)
    done = state(api, sending)
    assert (done["status"], done["number_sent"], done["error_code"]) == (status, left, "archive_unavailable")
    assert audited(api)[-1] == ("study.sent", "partial" if left else "failure", "doctor", left, 0)


def test_a_job_that_begins_before_its_turn_is_waited_for(api: Api, nodes: Nodes, monkeypatch: Any) -> None:
    """Several studies are sent; meanwhile the tags of one are corrected."""
    uid = study(api)
    register(api)
    sending = send(api, uid).json
    held = api.archive.holdings
    due = iter([[(uuid.UUID(sending["id"]), "WS2")], []])

    def half(orthanc_study_id: str) -> list[Any]:
        monkeypatch.setattr(api.archive, "holdings", held)
        modify(api, uid, StudyDate="2026-02-01")
        return held(orthanc_study_id)[:1]

    one = nodes.node()
    monkeypatch.setattr(one, "_due", lambda: next(due))
    monkeypatch.setattr(api.archive, "holdings", half)
    one.run()
    assert nodes.device.taken == []
    assert (state(api, sending)["status"], state(api, sending)["error_code"]) == ("running", None)


def test_a_report_that_leaves_the_study_meanwhile_is_not_missed(api: Api, nodes: Nodes) -> None:
    """Its images are sent all the same."""
    uid = with_images(api)
    signed(api)
    filing = api.services.results.filing
    filing.run(api.archive, "one")
    register(api)
    sending = send(api, uid).json
    assert sending["number_of_instances"] == 3
    with api.services.database.write() as session:
        for row in session.scalars(select(ReportDocument)):
            row.status = DocumentStatus.LEAVING
    filing.run(api.archive, "one")
    nodes.node().run()
    done = state(api, sending)
    assert (done["status"], done["number_sent"]) == ("succeeded", 1)


def test_a_killed_process_goes_on_where_it_was_and_another_node_takes_over(
    api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_jobs, "AT_ONCE", 2)
    uid = study(api, 5)
    register(api)
    sending = send(api, uid).json

    def killed() -> None:
        if len(nodes.device.taken) >= 2:
            raise KeyboardInterrupt

    nodes.device.before = killed
    with pytest.raises(KeyboardInterrupt):
        nodes.node("one").run()
    nodes.device.before = lambda: None
    assert (state(api, sending)["status"], state(api, sending)["number_sent"]) == ("running", 2)
    nodes.node("two").run()
    assert state(api, sending)["number_sent"] == 2, "the other node's lease holds"
    nodes.now += timedelta(seconds=61)
    nodes.node("two").run()
    assert (state(api, sending)["status"], state(api, sending)["number_sent"]) == ("succeeded", 5)
    assert sorted(nodes.device.taken) == sorted(api.archive.instances_of(uid))


def test_a_study_that_is_deleted_or_restricted_meanwhile_goes_no_further(
    api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_jobs, "AT_ONCE", 1)
    uid = study(api)
    register(api)
    sending = send(api, uid).json

    def restrict() -> None:
        body = {"staff": ["somebody.else"], "reason": "colleague"}
        answer = api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=body)
        assert answer.status_code in {200, 201}, answer.json
        nodes.device.before = lambda: None

    nodes.device.before = restrict
    nodes.node().run()
    assert api.get(f"/api/v1/sendings/{sending['id']}", "doctor").json["code"] == "patient_restricted"
    assert api.get(f"/api/v1/dicom/studies/{uid}/sendings", "doctor").json["code"] == "patient_restricted"
    assert send(api, uid).json["code"] == "patient_restricted"
    assert len(nodes.device.taken) == 1
    assert audited(api)[-1] == ("study.sent", "partial", "doctor", 1, 0)


def test_images_of_a_restricted_patient_stay_here_whoever_may_see_them(api: Api, nodes: Nodes) -> None:
    """At a workstation nobody looks at the list: not by who is on it, by who opened the record in an emergency, or by
    what was on its way when the patient was restricted."""
    uid = study(api)
    register(api)
    sending = send(api, uid).json
    restrict(api, "MRN-1", "doctor")
    nodes.node().run()
    ended = state(api, sending)
    assert (ended["status"], ended["error_code"]) == ("failed", "restricted_stays_here")
    assert break_glass(api, "radiologist", patient_id="MRN-1").status_code == 201
    for role in ("doctor", "radiologist"):
        refused = send(api, uid, role=role)
        assert (refused.status_code, refused.json["code"]) == (403, "restricted_stays_here")
    assert send(api, uid, role="admin").status_code == 403
    assert nodes.device.taken == []
    assert api.call("DELETE", "/api/v1/access/restrictions/MRN-1", "admin").status_code == 204
    assert send(api, uid).status_code == 202


def test_a_study_whose_deletion_is_asked_for_is_not_sent(api: Api, nodes: Nodes) -> None:
    uid = study(api, 1)
    register(api)
    sending = send(api, uid).json
    headers = {"X-Reason": "wrong patient"}
    assert api.call("DELETE", f"/api/v1/dicom/studies/{uid}", "radiologist", headers=headers).status_code == 202
    nodes.node().run()
    assert nodes.device.taken == []
    assert api.get(f"/api/v1/sendings/{sending['id']}", "doctor").json["code"] == "study_not_found"
    assert audited(api)[-1][:3] == ("study.sent", "failure", "doctor")
    assert send(api, uid).json["code"] == "study_not_found"


def test_a_modality_that_may_no_longer_be_sent_to_hears_nothing_more(api: Api, nodes: Nodes) -> None:
    uid = study(api, 1)
    register(api)
    sending = send(api, uid).json
    register(api, "WS2", "store")
    nodes.node().run()
    assert nodes.device.taken == []
    assert state(api, sending)["error_code"] == "modality_not_sent_to"


def test_a_defect_ends_one_sending_and_no_other(api: Api, nodes: Nodes) -> None:
    uid = study(api, 1)
    register(api)
    broken, whole = Device(), nodes.device

    def raises() -> None:
        raise ValueError("a defect")

    broken.before = raises
    sending = send(api, uid).json
    nodes.device = broken
    for _ in range(8):
        nodes.node().run()
        nodes.now += timedelta(seconds=200)
    assert (state(api, sending)["status"], state(api, sending)["error_code"]) == ("failed", "unexpected_error")
    nodes.device = whole
    assert send(api, uid).status_code == 202
    nodes.node().run()
    assert len(whole.taken) == 1


def test_an_unknown_sending_is_named_as_such(api: Api) -> None:
    answer = api.get(f"/api/v1/sendings/{uuid.uuid4()}", "doctor")
    assert (answer.status_code, answer.json["code"]) == (404, "sending_not_found")


def cancel(api: Api, sending: dict[str, Any], role: str = "doctor") -> Answer:
    return api.call("POST", f"/api/v1/sendings/{sending['id']}/cancel", role)


def test_a_sending_is_cancelled_on_its_way(api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workstation keeps what it has; the rest is not sent, and that is on record."""
    monkeypatch.setattr(sending_jobs, "AT_ONCE", 1)
    uid = study(api)
    register(api)
    asked = send(api, uid).json
    nodes.device.before = lambda: len(nodes.device.taken) == 1 and cancel(api, asked)
    nodes.node().run()
    ended = state(api, asked)
    assert (ended["status"], ended["number_sent"], ended["error_code"]) == ("partial", 1, "sending_cancelled")
    assert len(nodes.device.taken) == 1
    nodes.now += timedelta(hours=1)
    nodes.node("two").run()
    assert len(nodes.device.taken) == 1
    (event,) = api.get("/api/v1/audit?action=study.send_cancelled", "admin").json["items"]
    assert (event["actor"], event["outcome"], event["detail"]["instances"]) == ("doctor", "success", 1)
    assert [one[0] for one in audited(api)] == ["study.send_requested", "study.sent"]
    late = api.get("/api/v1/audit?action=study.sent", "admin").json["items"][0]
    assert (late["outcome"], late["detail"]["instances"], late["detail"]["perhaps"]) == ("partial", 0, 1)


@pytest.mark.parametrize("is_seen", [False, True], ids=["after the last image", "before the last image"])
def test_what_left_while_it_was_cancelled_is_on_record(
    api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch, is_seen: bool
) -> None:
    """Somebody cancels while several images are on their way: how many the workstation has, and may have."""
    uid = study(api)
    register(api)
    asked = send(api, uid).json
    send_them = nodes.device.send

    def cancelled(ae_title: str, chosen: Sequence[str], meanwhile: Callable[[], object]) -> str | None:
        why = send_them(ae_title, chosen, meanwhile)
        assert cancel(api, asked).json["number_sent"] == 0
        if is_seen:
            meanwhile()
        return why

    monkeypatch.setattr(nodes.device, "send", cancelled)
    nodes.node().run()
    ended, known = state(api, asked), 0 if is_seen else 3
    assert (ended["number_sent"], ended["error_code"]) == (known, "sending_cancelled")
    assert ended["status"] == ("failed" if is_seen else "partial")
    (late,) = api.get("/api/v1/audit?action=study.sent", "admin").json["items"]
    assert (late["actor"], late["outcome"], late["study_instance_uid"]) == ("doctor", "partial", uid)
    assert (late["detail"]["instances"], late["detail"]["perhaps"]) == (known, 3 - known)


def test_one_that_waits_for_its_workstation_is_cancelled_too(api: Api, nodes: Nodes) -> None:
    """And one that has ended cannot be; nor is it anything for those who may not send."""
    uid = study(api, 1)
    register(api)
    asked = send(api, uid).json
    nodes.device.is_on = False
    nodes.device.before = lambda: cancel(api, asked)  # while it is tried
    nodes.node().run()
    assert (state(api, asked)["status"], state(api, asked)["error_code"]) == ("failed", "sending_cancelled")
    assert cancel(api, asked).json["code"] == "sending_ended"
    assert cancel(api, {"id": str(uuid.uuid4())}).json["code"] == "sending_not_found"
    assert cancel(api, asked, "nurse").status_code == 403


def test_a_slow_workstation_keeps_no_other_waiting(api: Api, device: Device, nodes: Nodes) -> None:
    """While it is waited for, another thread of the node sends to the others; and nobody sends to it twice at once."""
    uid = study(api, 1)
    for title in ("SLOW", "WS2"):
        register(api, title)
    to_slow, to_other = send(api, uid, "SLOW").json, send(api, uid, "WS2").json
    node = nodes.node()
    seen: list[str] = []

    def meanwhile() -> None:
        if not seen:  # the first association, with SLOW, has begun and does not end
            seen.append("began")
            node.help()
            seen.extend([state(api, to_slow)["status"], state(api, to_other)["status"]])

    device.before = meanwhile
    node.help()
    assert seen == []  # nobody is busy
    node.run()
    assert seen == ["began", "running", "succeeded"]
    assert state(api, to_slow)["status"] == "succeeded"
    assert device.taken == api.archive.instances_of(uid) * 2


def test_studies_for_one_workstation_take_turns(api: Api, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_jobs, "AT_ONCE", 1)
    register(api)
    first, second = study(api, 2), store(api, 2, PatientID="MRN-1", AccessionNumber="ACC-1")
    for uid in (first, second):
        assert send(api, uid).status_code == 202
    nodes.node().run()
    of = {one: uid for uid in (first, second) for one in api.archive.instances_of(uid)}
    assert [of[one] for one in nodes.device.taken] == [first, second, first, second]
