"""Retention in the pages: a rule proposes, one person requests many at once, another decides about the batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.tables.access import Viewing
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.identity.study_index import modality_key
from tests.api.conftest import Api
from tests.api.deletion_steps import DELETIONS, MAX, RITA, STUDIES, actions, is_shown, modality_sends, requested
from tests.api.privacy_steps import restrict
from tests.api.report_steps import begin
from tests.api.retention_steps import came, old
from tests.support.samples import small
from tests.support.server import user_token

PROPOSALS, BATCHES = "/api/v1/retention/proposals", "/api/v1/retention/batches"
TEN = "any=10"


def proposals(api: Api, rules: str = TEN, token: str = RITA, **query: Any) -> dict[str, Any]:
    answer = api.call("GET", PROPOSALS, token=token, query_string={"rules": rules, **query})
    assert answer.status_code == 200, answer.json
    body: dict[str, Any] = answer.json
    return body


def uids(found: dict[str, Any]) -> set[str]:
    return {one["study_instance_uid"] for one in found["studies"]}


def ask_for(api: Api, *studies: str, seen_at: str, rules: str = TEN, **options: Any) -> Any:
    body = {"rules": rules, "study_instance_uids": list(studies), "seen_at": seen_at, "reason": "retention 2026"}
    return api.call("POST", BATCHES, token=RITA, json=body, **options)


def batch_of(api: Api, *studies: str) -> str:
    answer = ask_for(api, *studies, seen_at=proposals(api)["read_at"])
    assert (answer.status_code, answer.json["left_out"]) == (200, []), answer.json
    return str(answer.json["batch_id"])


def decide(api: Api, batch: str, verb: str, number: int, token: str = MAX, **body: Any) -> Any:
    return api.call("POST", f"{BATCHES}/{batch}/{verb}", token=token, json={"number_of_studies": number, **body})


def left_out(answer: Any) -> dict[str, str]:
    return {one["study_instance_uid"]: one["code"] for one in answer.json["left_out"]}


def test_old_studies_are_proposed_oldest_first_and_stay_as_they_are(api: Api) -> None:
    """With how many of which year and modality; what somebody needs, or is of a child of then, is not among them."""
    first, second = old(api, 1, "20140505"), old(api, 2)
    old(api, 3, "20250101")
    old(api, 4, birth_date="2005-01-01")
    held, drafted, asked = (old(api, number) for number in (5, 6, 7))
    assert api.call("POST", f"{STUDIES}/{held}/hold", token=RITA, json={"reason": "court"}).status_code == 201
    begin(api, study_instance_uid=drafted)
    requested(api, asked)
    found = proposals(api)
    assert [one["study_instance_uid"] for one in found["studies"]] == [first, second]
    assert found["counts"] == [
        {"year": year, "modalities": ["MR"], "number_of_studies": 1, "number_of_instances": 1} for year in (2014, 2016)
    ]
    assert (found["number_of_studies"], found["is_all"]) == (2, True)
    assert uids(proposals(api, limit=1)) == {first}
    assert is_shown(api, first) and api.get(DELETIONS, "manager").json["total"] == 1


@pytest.mark.parametrize(
    ("rules", "is_due"),
    [("MR=10", True), ("mr=10, any=200", True), ("MR=50, any=1", False), ("CT=10", False), ("any=10", True)],
)
def test_a_modality_without_a_rule_stays(api: Api, rules: str, is_due: bool) -> None:
    """The study is an MR of 2016."""
    old(api, 1)
    assert bool(proposals(api, rules)["studies"]) == is_due


def test_of_several_modalities_the_longest_time_counts(api: Api) -> None:
    """An MR to which a structured report was added; the same as the command says."""
    old(api, 1)
    with api.services.database.write() as session:
        study = session.scalars(select(Study)).one()
        study.modalities, study.modality_key = ["MR", "SR"], modality_key(["MR", "SR"])
    for rules, is_due in (("MR=5,SR=5", True), ("MR=5", False), ("SR=5,MR=50", False), ("SR=5,any=5", True)):
        assert bool(proposals(api, rules)["studies"]) == is_due, rules


@pytest.mark.parametrize("rules", ["", "CT", "CT=0", "CT=201", "CT=5,ct=6", "C%=5", "CT=5,", "CT=" + "9" * 80])
def test_a_rule_that_is_none_is_refused(api: Api, rules: str) -> None:
    """422, with the field."""
    answer = api.call("GET", PROPOSALS, token=RITA, query_string={"rules": rules})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request"), answer.json


def test_restricted_patients_are_proposed_to_those_only_who_may_see_them(api: Api) -> None:
    """Nor can the others request it."""
    uid = old(api, 1)
    limits = {"reason": "a colleague", "staff": ["somebody"]}
    assert api.call("PUT", "/api/v1/access/restrictions/MRN-1", "admin", json=limits).status_code == 200
    found = proposals(api)
    assert found["studies"] == [] and found["number_of_studies"] == 0
    assert ask_for(api, uid, seen_at=found["read_at"]).json["code"] == "patient_restricted"
    assert api.get(DELETIONS, "manager").json["total"] == 0


def test_a_batch_is_requested_at_once_and_another_person_decides(api: Api) -> None:
    """All are hidden; the rule stands in the reason; each has an event of its own; one person is never both."""
    one, two = old(api, 1), old(api, 2, "20150101")
    batch = batch_of(api, one, two)
    assert not is_shown(api, one) and not is_shown(api, two)
    (waiting,) = api.call("GET", BATCHES, token=MAX).json["batches"]
    assert (waiting["batch_id"], waiting["requested_by"], waiting["number_of_studies"]) == (batch, "rita", 2)
    assert waiting["reason"] == "retention 2026 (any=10 years)"
    assert (waiting["first_date"], waiting["last_date"]) == ("2015-01-01", "2016-01-01")
    assert [each["study_instance_uid"] for each in waiting["sample"]] == [two, one]
    items = api.get(DELETIONS, "manager").json["items"]
    assert {item["batch_id"] for item in items} == {batch}
    assert api.call("GET", BATCHES, token=RITA).json["batches"] == [waiting]
    assert api.call("GET", BATCHES, token=user_token("radiologist", subject="other")).json["batches"] == []
    both = user_token("admin", subject="rita")
    assert decide(api, batch, "approve", 2, both).json["code"] == "own_request"
    assert decide(api, batch, "approve", 2).json == {"batch_id": batch, "number_of_studies": 2, "left_out": []}
    assert {item["status"] for item in api.get(DELETIONS, "manager").json["items"]} == {"approved"}
    assert actions(api, one) == ["deletion.requested", "deletion.approved"] == actions(api, two)
    events = api.get("/api/v1/audit?action=deletion.approved", "admin").json["items"]
    assert [event["detail"]["batch_id"] for event in events] == [batch, batch]
    assert decide(api, batch, "approve", 2).json["code"] == "batch_not_found"
    assert api.call("GET", BATCHES, token=MAX).json["batches"] == []


def test_what_changed_since_is_left_out_and_named(api: Api) -> None:
    """On hold, or with images that came later: they wait still, and each can be decided by itself."""
    held, late, plain = old(api, 1), old(api, 2), old(api, 3)
    batch = batch_of(api, held, late, plain)
    assert api.call("POST", f"{STUDIES}/{held}/hold", token=RITA, json={"reason": "court"}).status_code == 201
    modality_sends(api, small(StudyInstanceUID=late, StudyDate="20160101", PatientID="MRN-2"))
    answer = decide(api, batch, "approve", 3)
    assert answer.json["number_of_studies"] == 1, answer.json
    assert left_out(answer) == {held: "study_on_hold", late: "changed_since_request"}
    states = {item["study_instance_uid"]: item["status"] for item in api.get(DELETIONS, "manager").json["items"]}
    assert states == {held: "pending", late: "pending", plain: "approved"}


def test_what_somebody_has_read_since_is_left_out(api: Api) -> None:
    """A doctor opened the prior, or somebody outside did, while the list was being looked at; who requests has looked,
    which is no reason."""
    opened, shared, looked = old(api, 1), old(api, 3), old(api, 2)
    seen = proposals(api)["read_at"]
    with api.services.database.write() as session:
        whats = ((opened, "dora", "study.viewed"), (shared, "link", "share.opened"), (looked, "rita", "study.viewed"))
        for uid, actor, action in whats:
            study = session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()
            audit.append(session, Origin(actor), audit.study_event(action, study, {}), api.services.clock())
    answer = ask_for(api, opened, shared, looked, "1.2.3", seen_at=seen)
    assert left_out(answer) == {opened: "study_read", shared: "study_read", "1.2.3": "not_proposed"}
    assert answer.json["number_of_studies"] == 1 and is_shown(api, opened) and not is_shown(api, looked)


def test_what_somebody_is_reading_is_left_out(api: Api) -> None:
    """A doctor has the prior on the screen: the viewing is an event only some minutes after its end."""
    before, opened, looked = old(api, 1), old(api, 2), old(api, 3)
    note, dora = api.services.viewings.note, Caller("dora", "Dora", (), frozenset())
    note(dora, before, "a", "10.0.0.1")
    api.services.viewings.flush()
    with api.services.database.write() as session:
        session.scalars(select(Viewing)).one().last_read_at -= timedelta(minutes=1)
    seen = proposals(api)["read_at"]
    note(dora, opened, "a", "10.0.0.1")
    note(Caller("rita", "Rita", (), frozenset()), looked, "a", "10.0.0.2")
    answer = ask_for(api, before, opened, looked, seen_at=seen)
    assert left_out(answer) == {opened: "study_read"}
    assert is_shown(api, opened) and not is_shown(api, before) and not is_shown(api, looked)


def test_a_date_that_cannot_be_true_proposes_nothing(api: Api) -> None:
    """A modality lost its clock, so images of yesterday are of 1970; or of before the patient's birth. And whoever had
    a prior sent here needs it."""
    yesterday, unborn, due = old(api, 1, "19700101"), old(api, 2, "19600101"), old(api, 3)
    now = api.services.clock()
    came(api, yesterday, now - timedelta(days=1))
    assert uids(proposals(api)) == uids(proposals(api, least_age=0)) == {due}
    assert left_out(ask_for(api, yesterday, unborn, seen_at=now.isoformat())) == dict.fromkeys(
        (yesterday, unborn), "not_proposed"
    )
    came(api, yesterday, now - timedelta(days=370))
    assert uids(proposals(api)) == {yesterday, due}


def test_who_decides_has_seen_how_many(api: Api) -> None:
    """One was rejected meanwhile: another number than that on the page, so nothing is done."""
    one, two = old(api, 1), old(api, 2)
    batch = batch_of(api, one, two)
    first = api.get(DELETIONS, "manager").json["items"][0]["id"]
    assert api.call("POST", f"{DELETIONS}/{first}/reject", token=MAX).status_code == 200
    answer = decide(api, batch, "approve", 2)
    assert (answer.status_code, answer.json["code"]) == (409, "batch_changed")
    assert decide(api, batch, "reject", 1, reason="still needed").json["number_of_studies"] == 1
    assert is_shown(api, one) and is_shown(api, two)
    assert uids(proposals(api)) == {one, two}


def test_the_one_who_asked_can_withdraw_the_batch(api: Api) -> None:
    """Nobody else can."""
    batch = batch_of(api, old(api, 1))
    other = user_token("radiologist", subject="other")
    assert decide(api, batch, "withdraw", 1, other).json["code"] == "not_own_request"
    assert decide(api, batch, "withdraw", 1, RITA).json["number_of_studies"] == 1
    assert len(proposals(api)["studies"]) == 1


def test_a_batch_is_withdrawn_in_the_part_that_is_shown(api: Api) -> None:
    """A patient of it is restricted since; nobody is told that there is one more."""
    one, two = old(api, 1), old(api, 2)
    batch = batch_of(api, one, two)
    restrict(api, "MRN-1")
    (waiting,) = api.call("GET", BATCHES, token=RITA).json["batches"]
    assert waiting["number_of_studies"] == 1
    assert decide(api, batch, "withdraw", 1, RITA).json["number_of_studies"] == 1
    assert is_shown(api, two) and one in api.services.hidden
    assert decide(api, batch, "withdraw", 1, RITA).json["code"] == "batch_not_found"


def test_many_requests_are_one_look_at_what_is_hidden(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one for each of 500, which would read 500 times whatever waits anywhere."""
    looks: list[None] = []
    refresh = api.services.hidden.refresh
    studies = [old(api, number) for number in range(3)]

    def look(_: object) -> None:
        looks.append(None)
        refresh()

    monkeypatch.setattr(type(api.services.hidden), "refresh", look)
    batch = batch_of(api, *studies)
    assert decide(api, batch, "reject", 3).json["number_of_studies"] == 3
    assert len(looks) == 2


def test_the_longest_reason_and_the_longest_rules_are_taken(api: Api) -> None:
    """Both are in the reason of each request, whose column PostgreSQL measures."""
    rules, why = ",".join(f"{name}=10" for name in ("MR", *(f"{n:02}" for n in range(14)))), "x" * 150
    assert len(rules) == 89
    seen = proposals(api, rules)["read_at"]
    body = {"rules": rules, "study_instance_uids": [old(api, 1)], "seen_at": seen, "reason": why}
    assert api.call("POST", BATCHES, token=RITA, json=body).json["number_of_studies"] == 1
    assert api.get(DELETIONS, "manager").json["items"][0]["reason"] == f"{why} ({rules} years)"


def test_a_batch_that_is_sent_twice_is_one(api: Api) -> None:
    """After a timeout, under one Idempotency-Key."""
    uid, key = old(api, 1), {"Idempotency-Key": "retention-1"}
    seen = proposals(api)["read_at"]
    first = ask_for(api, uid, seen_at=seen, headers=key)
    assert ask_for(api, uid, seen_at=seen, headers=key).json == first.json
    assert first.json["number_of_studies"] == 1
    assert left_out(ask_for(api, uid, seen_at=seen)) == {uid: "not_proposed"}
