"""Reports are written, signed, amended and withdrawn, each by those who may; on both databases."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.reporting.report import Version
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, decide, grace_is_over, requested
from tests.api.feed_steps import poll, types
from tests.api.link_steps import audited, link, one, order, post, put_order, put_patient
from tests.api.message_steps import verdict
from tests.api.privacy_steps import restrict
from tests.api.report_steps import (
    BELA,
    REPORTS,
    RITA,
    act,
    amended,
    begin,
    filled,
    listed,
    read,
    save,
    sign,
    signed,
    token,
    with_images,
    written,
)
from tests.api.sign_in_steps import PASSWORD, make, token_of
from tests.api.tag_steps import jobs, store
from tests.support.asked import statements
from tests.support.messages import orm
from tests.support.server import user_token

DORA = token("doctor", subject="dora")
WHY: dict[str, Any] = {"reason": "of another patient"}


def test_a_report_goes_from_draft_to_final_and_its_order_with_it(api: Api) -> None:
    """What was read is what is signed; the doctor sees it, and its author's name."""
    uid = with_images(api)
    draft = written(api)
    assert (draft["status"], draft["version"], draft["study_instance_uid"]) == ("draft", 0, uid)
    assert read(api, draft, DORA, 404)["code"] == "report_not_found"
    report = sign(api, draft)
    assert (report["status"], report["version"], report["draft"], report["claim"]) == ("final", 1, None, None)
    assert report["accession_numbers"] == ["ACC-1"]
    assert report["signer"] == report["author"] == {"subject": "rita", "name": "Rita"}
    seen = read(api, report, DORA)
    assert [one["title"] for one in seen["sections"]] == ["Findings", "Impression"]
    assert order(api)["status"] == "reported"
    assert audited(api)[-4:] == ["report.opened", "report.saved", "report.signed", "order.reported"]


def test_every_version_stays_and_proves_itself(api: Api) -> None:
    """Preliminary, final, corrected, appended, withdrawn: five versions, each as it was."""
    with_images(api)
    draft = written(api)
    preliminary = act(api, draft, "preliminary")
    assert (preliminary["status"], preliminary["draft_kind"]) == ("preliminary", "new")
    assert order(api)["status"] == "in_progress"
    report = sign(api, preliminary)
    report = amended(api, amended(api, report, "corrected"), "appended")
    assert (report["status"], report["version"], report["replaces"]) == ("appended", 4, 3)
    report = act(api, report, "withdraw", **WHY)
    assert (report["status"], report["reason"]) == ("entered_in_error", WHY["reason"])
    assert order(api)["status"] == "completed"
    items = api.call("GET", f"{REPORTS}/{report['id']}/versions", token=DORA).json["items"]
    states = ["preliminary", "final", "corrected", "appended", "entered_in_error"]
    assert [one["status"] for one in items] == states
    for number, item in enumerate(items, 1):
        assert api.call("GET", f"{REPORTS}/{report['id']}/versions/{number}", token=DORA).json == item
        proof = api.call("GET", f"{REPORTS}/{report['id']}/versions/{number}/verify", token=DORA).json
        assert (proof["ok"], proof["sha256"], proof["faults"]) == (True, item["sha256"], [])
        assert (proof["signed_by"] is None) == (number == 1)
    told = types([one for one in poll(api)[0] if ".report." in one["type"]])
    assert told == [f"report.{kind}" for kind in ("preliminary", "final", "amended", "amended", "withdrawn")]


@pytest.mark.parametrize("role", ["technician", "reception", "doctor", "nurse", "manager", "admin", "service"])
def test_only_radiologists_write_and_sign(api: Api, role: str) -> None:
    """Others read what was issued, and no act is open to them."""
    with_images(api)
    report, other = signed(api), token(role)
    assert begin(api, other, 403)["code"] == "permission_missing"
    read(api, report, other)
    for what, body in ((("claim"), {}), ("release", {}), ("preliminary", {}), ("amend", WHY | {"kind": "amended"}),
                       ("withdraw", WHY), ("discard", WHY)):  # fmt: skip
        assert act(api, report, what, other, 403, **body)["code"] == "permission_missing", what
    assert sign(api, report, other, 403)["code"] == "permission_missing"
    draft = act(api, report, "amend", kind="amended", reason="x")
    assert save(api, draft, other, 403)["code"] == "permission_missing"
    assert read(api, report, other)["draft"] is None


ACTS = ("save", "preliminary", "sign", "amend", "withdraw", "discard", "claim", "release")
POSSIBLE = {
    "draft": {"save", "preliminary", "sign", "discard", "claim", "release"},
    "preliminary": {"save", "preliminary", "sign", "withdraw", "discard", "claim", "release"},
    "final": {"amend", "withdraw", "release"},
    "amending": {"save", "sign", "withdraw", "discard", "claim", "release"},
    "entered_in_error": {"release"},
}


@pytest.mark.parametrize("what", ACTS)
@pytest.mark.parametrize("state", POSSIBLE)
def test_every_act_is_possible_in_its_states_and_in_no_other(api: Api, state: str, what: str) -> None:
    """A signed version never changes; what is impossible changes nothing."""
    with_images(api)
    report = draft = written(api)
    if state != "draft":
        report = act(api, draft, "preliminary") if state == "preliminary" else sign(api, draft)
    if state == "amending":
        report = act(api, report, "amend", kind="corrected", reason="x")
    if state == "entered_in_error":
        report = act(api, report, "withdraw", **WHY)
    status = 200 if what in POSSIBLE[state] else 409
    if what == "save":
        save(api, report, status=status, sections=[{"code": "x", "title": "X", "text": "y"}])
    elif what == "sign":
        sign(api, report, status=status)
    else:
        bodies: dict[str, Any] = {"amend": WHY | {"kind": "amended"}, "withdraw": WHY, "discard": WHY}
        act(api, report, what, status=status, **bodies.get(what, {}))
    if status == 409:
        assert read(api, report) == report


def test_what_is_not_possible_says_why(api: Api) -> None:
    """Each refusal has a word of its own."""
    with_images(api)
    report = signed(api)
    assert save(api, report, status=409, sections=[{"code": "x", "title": "X", "text": "y"}])["code"] == "report_signed"
    draft = act(api, report, "amend", kind="appended", reason="x")
    assert act(api, draft, "amend", status=409, kind="appended", reason="x")["code"] == "report_draft_open"
    act(api, draft, "withdraw", **WHY)
    assert act(api, draft, "withdraw", status=409, **WHY)["code"] == "report_state"
    answer = api.call("GET", f"{REPORTS}/{report['id']}/versions/9", token=RITA)
    assert (answer.status_code, answer.json["code"]) == (404, "report_version_not_found")


def test_a_critical_result_is_told_of_once_it_is_issued(api: Api) -> None:
    """And is not unsaid after that; what is only being written can be."""
    with_images(api)
    draft = save(api, begin(api), critical={"level": "hours", "note": "Pneumothorax"})
    assert draft["critical"] == {"level": "hours", "note": "Pneumothorax", "is_open": True}
    draft = save(api, save(api, draft, critical=None), critical={"level": "minutes"})
    assert save(api, draft)["critical"]["level"] == "minutes"
    report = act(api, draft, "preliminary")
    events = [one for one in poll(api)[0] if ".report." in one["type"]]
    assert types(events) == ["report.preliminary", "report.critical"]
    assert events[1]["data"]["report_id"] == report["id"] and events[1]["data"]["version"] == 1
    assert save(api, report, status=409, critical=None)["code"] == "critical_stays"


def test_what_an_amendment_says_to_be_critical_is_known_when_it_is_signed(api: Api) -> None:
    """And goes with an amendment that is discarded; who only reads sees none of it before."""
    with_images(api)
    report = signed(api)
    found = {"level": "minutes", "note": "Free air"}
    draft = save(api, act(api, report, "amend", kind="corrected", reason="x"), critical=found)
    assert draft["critical"] is None and draft["draft"]["critical"] == found | {"is_open": True}
    assert read(api, report, token("doctor"))["critical"] is None
    assert listed(api, "?waits_for=communication") == []
    assert "report.critical" not in types(poll(api)[0])
    assert act(api, draft, "discard", **WHY)["critical"] is None
    draft = save(api, act(api, report, "amend", kind="corrected", reason="x"), critical=found | {"level": "hours"})
    draft = save(api, save(api, draft, critical=None), critical=found)
    assert sign(api, draft)["critical"] == found | {"is_open": True}
    assert types(poll(api)[0])[-2:] == ["report.amended", "report.critical"]
    assert listed(api, "?waits_for=communication", token("doctor")) == [report["id"]]
    draft = act(api, report, "amend", kind="corrected", reason="x")
    assert draft["draft"]["critical"] == found | {"is_open": True}
    assert save(api, draft, status=409, critical=None)["code"] == "critical_stays"
    act(api, draft, "discard", **WHY)
    assert read(api, report)["critical"] == found | {"is_open": True}


def test_a_discarded_amendment_leaves_no_title_behind(api: Api) -> None:
    """The next version has that of the one before it."""
    with_images(api)
    report = signed(api)
    draft = save(api, act(api, report, "amend", kind="corrected", reason="x"), title="MR of the knee")
    assert amended(api, act(api, draft, "discard", **WHY))["title"] == report["title"]


def test_images_of_nobody_certain_are_not_reported_on(api: Api) -> None:
    """First somebody says whose they are."""
    uid = store(api, 1)
    assert begin(api, status=409, study_instance_uid=uid)["code"] == "study_uncertain"


def test_what_changed_since_it_was_read_is_not_signed(api: Api) -> None:
    """Nor saved over: two editors, two tabs."""
    with_images(api)
    draft = begin(api)
    newer = save(api, draft)
    assert sign(api, draft, status=412)["code"] == "version_changed"
    assert save(api, draft, status=412)["etag"] == newer["etag"]
    for method, path in (("PUT", ""), ("POST", "/sign")):
        body = {"sections": filled(newer)} if method == "PUT" else {}
        answer = api.call(method, f"{REPORTS}/{draft['id']}{path}", token=RITA, json=body)
        assert (answer.status_code, answer.json["code"]) == (412, "version_required")
    assert read(api, draft) == newer


def test_a_colleague_takes_a_report_over_and_says_why(api: Api) -> None:
    """Until then it is claimed for 15 minutes after the last saving."""
    with_images(api)
    report = written(api)
    theirs = read(api, report, BELA)
    assert theirs["claim"]["by"]["subject"] == "rita"
    assert save(api, theirs, BELA, 409)["code"] == "report_claimed"
    assert act(api, report, "claim", BELA, 409)["code"] == "report_claimed"
    assert sign(api, theirs, BELA, 409)["code"] == "report_claimed"
    taken = act(api, report, "claim", BELA, reason="her shift has ended")
    assert taken["draft"]["author"]["subject"] == taken["claim"]["by"]["subject"] == "bela"
    assert save(api, taken, RITA, 412, tag=report["etag"])["code"] == "version_changed"
    assert act(api, sign(api, taken, BELA), "release", BELA)["author"]["subject"] == "bela"


def test_a_claim_ends_by_itself_or_when_it_is_released(api: Api) -> None:
    """Then anybody who writes reports goes on; the author stays the author."""
    with_images(api)
    report = written(api)
    with api.services.database.write() as session:
        row = session.scalars(select(Report)).one()
        assert row.claimed_until is not None
        row.claimed_until -= timedelta(minutes=16)
    theirs = save(api, read(api, report, BELA), BELA)
    assert (theirs["claim"]["by"]["subject"], theirs["draft"]["author"]["subject"]) == ("bela", "rita")
    act(api, report, "release", BELA)
    assert act(api, report, "claim")["claim"]["by"]["subject"] == "rita"


def test_signing_needs_the_password_again_or_a_fresh_sign_in(api: Api) -> None:
    """A screen that somebody left open signs nothing; wrong passwords are counted as at the door."""
    with_images(api)
    make(api, "rike", "radiologist")
    mine = token_of(api, "rike")
    report = written(api, mine)
    assert sign(api, report, mine, 403)["code"] == "sign_in_again"
    assert sign(api, report, mine, 401, password="wrong")["code"] == "wrong_credentials"
    assert "session.refused" in audited(api)
    for who in (token("radiologist", age=None), token("radiologist", age=timedelta(minutes=6)),
                token("radiologist", age=-timedelta(minutes=1)), user_token("radiologist", subject="x")):  # fmt: skip
        assert sign(api, report, who, 403)["code"] == "sign_in_again"
    assert sign(api, report, mine, password=PASSWORD)["status"] == "final"


def test_who_comes_from_the_ehr_may_sign_with_the_password_of_their_account_here(api: Api) -> None:
    """When they signed in there too long ago; who has no account here is told to sign in there again."""
    with_images(api)
    make(api, "rike", "radiologist")
    late = partial(token, "radiologist", subject="rike", age=timedelta(hours=1))
    report = written(api, late)
    refused = sign(api, report, late, 403)
    assert refused["code"] == "sign_in_again" and refused["errors"][0]["field"] == "password"
    stranger = sign(api, report, token("radiologist", age=timedelta(hours=1)), 403, password=PASSWORD)
    assert "errors" not in stranger and "EHR" in stranger["detail"]
    assert sign(api, report, late, 401, password="wrong")["code"] == "wrong_credentials"
    assert sign(api, report, late, password=PASSWORD)["signer"]["subject"] == "rike"


def test_an_order_and_a_study_have_one_report_and_all_orders_of_the_study_have_it(api: Api, tmp_path: Path) -> None:
    """A second one is refused, with the id of the first; one that was discarded or withdrawn makes room."""
    uid = with_images(api)
    put_order(api, "ACC-2")
    draft = written(api, study_instance_uid=uid)
    assert draft["accession_numbers"] == ["ACC-1"]
    link(api, uid, order_ids=["ACC-1", "ACC-2"], expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    again = begin(api, status=409, order_id="ACC-2")
    assert again["code"] == "report_exists" and draft["id"] in again["detail"]
    report = sign(api, draft)
    assert report["accession_numbers"] == ["ACC-1", "ACC-2"]
    assert [order(api, number)["status"] for number in ("ACC-1", "ACC-2")] == ["reported", "reported"]
    assert begin(api, status=409, order_id="ACC-2")["code"] == "report_exists"
    act(api, report, "withdraw", **WHY)
    other = begin(api, order_id="ACC-2")
    assert other["accession_numbers"] == ["ACC-1", "ACC-2"]
    assert act(api, other, "discard", **WHY)["status"] == "entered_in_error"
    begin(api, study_instance_uid=uid)


def test_the_ehr_cannot_take_a_signed_report_back(api: Api) -> None:
    """Not by a PUT, nor by HL7; a report of theirs can still be taken back by them."""
    with_images(api)
    report = signed(api)
    assert put_order(api, status="completed")["status"] == "reported"
    assert verdict(api, orm("SC", state="CM")) == "AA"
    assert order(api)["status"] == "reported"
    act(api, report, "withdraw", **WHY)
    put_order(api, status="reported")
    assert put_order(api, status="completed")["status"] == "completed"


def test_a_report_without_a_word_or_of_an_uncertain_study_is_refused(api: Api) -> None:
    """And one of a cancelled order."""
    with_images(api)
    report = begin(api)
    assert sign(api, report, status=422)["code"] == "report_empty"
    assert act(api, report, "preliminary", status=422)["code"] == "report_empty"
    put_order(api, "ACC-7")
    api.call("POST", "/api/v1/orders/ACC-7/cancel", "service")
    assert begin(api, status=409, order_id="ACC-7")["code"] == "order_state"
    assert begin(api, status=422, order_id="ACC-1", study_instance_uid="1.2.3")["code"] == "invalid_request"
    assert begin(api, status=404, study_instance_uid="1.2.3")["code"] == "study_not_found"


def test_a_restricted_patient_has_restricted_reports(api: Api) -> None:
    """In lists, one by one, in versions and events."""
    with_images(api)
    report = signed(api)
    restrict(api, "MRN-1", "bela")
    assert listed(api) == [] and listed(api, who=BELA) == [report["id"]]
    for path in ("", "/versions", "/versions/1", "/versions/1/verify"):
        answer = api.call("GET", f"{REPORTS}/{report['id']}{path}", token=RITA)
        assert (answer.status_code, answer.json["code"]) == (403, "patient_restricted")
    assert act(api, report, "amend", status=403, kind="amended", reason="x")["code"] == "patient_restricted"
    assert [one for one in poll(api, role="radiologist")[0] if ".report." in one["type"]] == []


def test_a_deleted_study_takes_its_report_out_of_sight_and_back(api: Api) -> None:
    """The versions are kept."""
    uid = with_images(api)
    report = signed(api)
    deletion = requested(api, uid)
    assert listed(api) == [] and read(api, report, status=404)["code"] == "report_not_found"
    decide(api, deletion, "reject", json={"reason": "needed"})
    assert read(api, report)["status"] == "final"
    approved(api, uid)
    assert api.services.results.reports.version(_id(report), 1).number == 1


@pytest.mark.parametrize("is_signed", [True, False])
def test_an_order_is_reported_again_after_its_images_were_purged(api: Api, is_signed: bool) -> None:
    """And not before: until then the deletion can be taken back, and the report with it."""
    uid = with_images(api)
    report = signed(api) if is_signed else written(api)
    approved(api, uid)
    assert begin(api, status=409)["code"] == "report_exists"
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 1
    assert put_order(api, status="completed")["status"] == "completed"
    assert signed(api)["id"] != report["id"]
    assert order(api)["status"] == "reported"


def test_the_total_of_reports_is_of_one_moment(api: Api, database: Database) -> None:
    """All and those hidden with their study are counted by one statement: what is deleted between two is in neither."""
    uid = with_images(api)
    signed(api)
    list_all = partial(api.call, "GET", REPORTS, token=DORA)
    assert list_all().json["total"] == 1
    for listing in (list_all, partial(api.call, "GET", f"{REPORTS}?unread=true", token=DORA)):
        counting = [one for one in statements(database, listing) if "count(" in one and "reports" in one]
        assert len(counting) == 1
    approved(api, uid)
    assert list_all().json["total"] == 0


def test_a_report_follows_its_patient_into_a_merge_and_back(api: Api) -> None:
    """It is found under the surviving number."""
    with_images(api)
    report = signed(api)
    put_patient(api, "MRN-2", 201)
    post(api, "/api/v1/patients/MRN-1/merge", {"into": "MRN-2", "reason": "registered twice"}, 202, "service")
    assert read(api, report)["mrn"] == "MRN-2"
    assert listed(api, "?patient=MRN-1") == listed(api, "?patient=MRN-2") == [report["id"]]
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}, 202, "service")
    assert read(api, report)["mrn"] == "MRN-1"
    assert listed(api, "?patient=MRN-2") == []


def test_one_altered_character_is_found(api: Api) -> None:
    """Even behind the back of the triggers, in the text or in what was signed."""
    with_images(api)
    report = signed(api)
    database = api.services.database
    _alter(database, "sections", "replace(CAST(sections AS TEXT), 'Nachweis', 'nachweis')")
    assert _proof(api, report)["faults"] == ["text"]
    _alter(database, "sections", "replace(CAST(sections AS TEXT), 'nachweis', 'Nachweis')")
    assert _proof(api, report)["ok"]
    _alter(database, "sha256", "replace(sha256, substr(sha256, 1, 1), 'z')")
    assert _proof(api, report)["faults"] == ["digest", "audit_event"]


def test_the_database_itself_refuses_to_change_what_was_issued(api: Api) -> None:
    """On both engines."""
    with_images(api)
    signed(api)
    for change in ("UPDATE report_versions SET reason = 'x'", "DELETE FROM report_versions"):
        with pytest.raises(Exception, match="insert-only"), api.services.database.engine.begin() as connection:
            connection.execute(text(change))


def test_lists_are_narrowed_by_state_author_order_study_and_what_is_unread(api: Api) -> None:
    """Under the names of the other lists, and those of the contract."""
    uid = with_images(api)
    first = signed(api)
    with_images(api, "ACC-2", "MRN-2")
    second = written(api, BELA, order_id="ACC-2")
    both = {first["id"], second["id"]}
    assert set(listed(api)) == both and listed(api, who=DORA) == [first["id"]]
    for query, found in (
        ("?status=final", first), ("?status=draft", second), ("?author=rita", first), ("?author=bela", second),
        ("?order=ACC-2", second),
        (f"?order_id={second['order_id']}", second), (f"?study={uid}", first),
        (f"?study_instance_uid={uid}", first), ("?patient=MRN-2", second),
        (f"?patient_id={first['patient_id']}", first),
        ("?from=2020-01-01T00:00:00Z", first), ("?sort=created_at&limit=1", first),
    ):  # fmt: skip
        assert listed(api, query) == [found["id"]], query
    assert listed(api, "?to=2020-01-01T00:00:00Z") == []
    assert listed(api, "?unread=true", DORA) == [first["id"]] and listed(api, "?unread=true") == []
    act(api, first, "seen", DORA, 204)
    assert listed(api, "?unread=true", DORA) == [] and listed(api, "?unread=false", DORA) == [first["id"]]
    amended(api, first)
    assert listed(api, "?unread=true", DORA) == [first["id"]]
    page = api.call("GET", f"{REPORTS}?limit=1", token=RITA).json
    rest = api.call("GET", f"{REPORTS}?limit=1&cursor={page['next']}", token=RITA).json
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == both and rest["next"] is None


def test_those_who_listen_hear_of_each_version_in_its_transaction(api: Api) -> None:
    """What one of them refuses is not issued."""
    heard: list[tuple[str, int]] = []

    def listen(session: Session, report: Report, version: Version) -> None:
        heard.append((report.status, version.number))
        if version.number == 2:
            raise RuntimeError("the disk is full")

    api.services.results.reports.on_issued(listen)
    with_images(api)
    draft = act(api, written(api), "preliminary")
    assert sign(api, draft, status=500)["code"] == "internal_error"
    assert read(api, draft) == draft and heard == [("preliminary", 1), ("final", 2)]


def _id(report: dict[str, Any]) -> Any:
    return uuid.UUID(report["id"])


def _proof(api: Api, report: dict[str, Any]) -> dict[str, Any]:
    return dict(api.call("GET", f"{REPORTS}/{report['id']}/versions/1/verify", token=RITA).json)


def _alter(database: Database, column: str, value: str) -> None:
    with database.engine.begin() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER IF EXISTS report_versions_no_update"))
            connection.execute(text(f"UPDATE report_versions SET {column} = {value}"))
            return
        connection.execute(text("DROP TRIGGER IF EXISTS report_versions_insert_only ON report_versions"))
        typed = f"CAST({value} AS JSON)" if column == "sections" else value
        connection.execute(text(f"UPDATE report_versions SET {column} = {typed}"))
