"""What waits for somebody: critical results, supervisors, drafts nobody goes on with, images that were moved."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.reporting.report import Version
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.api.conftest import Api, Who
from tests.api.link_steps import audited, link, one, order, post, put_order, put_patient, unlink
from tests.api.message_steps import verdict
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
from tests.api.sign_in_steps import make, token_of
from tests.api.split_steps import mixed, split
from tests.api.tag_steps import jobs
from tests.support.archive import FakeArchive
from tests.support.messages import merge
from tests.support.server import SECRET

CALL = {"told": "Dr. Ekström, ward 3", "way": "phone", "read_back": True}
WHY: dict[str, Any] = {"reason": "looked at both with the radiographer"}
THIRA = partial(token, "resident", "radiologist", subject="thira")


def tell(api: Api, report: dict[str, Any], status: int = 201, who: Who = RITA, **said: Any) -> dict[str, Any]:
    answer = api.call("POST", f"{REPORTS}/{report['id']}/communications", token=who, json=CALL | said)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def test_a_critical_result_is_open_until_somebody_was_reached(api: Api) -> None:
    """Each attempt is written down and never changes."""
    with_images(api)
    report = sign(api, save(api, begin(api), critical={"level": "minutes", "note": "Haemorrhage"}))
    for query in ("communication", "anything"):
        assert listed(api, f"?waits_for={query}") == [report["id"]]
    tell(api, report, was_reached=False, read_back=False, note="no answer")
    assert listed(api, "?waits_for=communication", token("doctor")) == [report["id"]]
    told = tell(api, report)
    assert (told["level"], told["version"], told["recorded"]["subject"]) == ("minutes", 1, "rita")
    assert listed(api, "?waits_for=communication") == listed(api, "?waits_for=anything") == []
    assert read(api, report)["critical"] == {"level": "minutes", "note": "Haemorrhage", "is_open": False}
    items = api.get(f"{REPORTS}/{report['id']}/communications", "nurse").json["items"]
    assert [one["was_reached"] for one in items] == [False, True] and items[1] == told
    assert audited(api).count("report.communicated") == 2
    with pytest.raises(Exception, match="insert-only"), api.services.database.engine.begin() as connection:
        connection.execute(text("UPDATE report_communications SET told = 'x'"))


def test_what_cannot_have_happened_is_not_written_down(api: Api) -> None:
    """Nobody reads back who was not reached; nobody was told tomorrow."""
    with_images(api)
    report = signed(api)
    assert tell(api, report, 409)["code"] == "not_critical"
    assert tell(api, report, 422, level="hours", was_reached=False)["errors"][0]["field"] == "read_back"
    assert tell(api, report, 422, level="hours", at="2999-01-01T00:00:00Z")["errors"][0]["field"] == "at"
    assert tell(api, report, level="days")["level"] == "days"
    assert read(api, report)["critical"]["is_open"] is False
    assert tell(api, report, level="hours", was_reached=False, read_back=False)["level"] == "hours"
    assert read(api, report)["critical"] == {"level": "hours", "note": None, "is_open": True}
    assert tell(api, report, 403, token("nurse"))["code"] == "permission_missing"


def test_whoever_is_told_before_the_report_is_signed_need_not_be_told_again(api: Api) -> None:
    """The radiologist calls first and signs after; what they said on the phone is then no less in the report."""
    with_images(api)
    draft = save(api, begin(api), critical={"level": "hours", "note": "Pneumothorax"})
    assert listed(api, "?waits_for=communication") == [draft["id"]]
    assert listed(api, "?waits_for=communication", token("doctor")) == []
    assert tell(api, draft)["level"] == "hours"
    told = {"level": "hours", "note": "Pneumothorax", "is_open": False}
    draft = read(api, draft)
    assert draft["critical"] == draft["draft"]["critical"] == told
    assert save(api, draft, status=409, critical=None)["code"] == "critical_stays"
    report = sign(api, draft)
    assert report["critical"] == told
    draft = act(api, report, "amend", kind="amended", reason="x")
    tell(api, report, level="minutes", was_reached=False, read_back=False)
    assert sign(api, read(api, draft))["critical"] == told | {"level": "minutes", "is_open": True}


def test_an_order_that_the_ehr_gave_to_somebody_else_is_not_named_beside_this_patient(api: Api) -> None:
    """Of a report of two orders."""
    api.place_order()
    moved = uuid.UUID(api.place_order("ACC-2", "MRN-1")["id"])
    other = uuid.UUID(api.place_order("ACC-3", "MRN-2")["id"])
    draft = written(api)
    with api.services.database.write() as session:
        session.add(ReportOrder(report_id=uuid.UUID(draft["id"]), order_id=moved, position=1))
    report = sign(api, read(api, draft))
    assert report["accession_numbers"] == ["ACC-1", "ACC-2"]
    with api.services.database.write() as session:
        session.get_one(Order, moved).patient_id = session.get_one(Order, other).patient_id
    shown = read(api, report)
    assert (shown["accession_numbers"], shown["order_ids"]) == (["ACC-1"], [shown["order_id"]])
    assert "ACC-2" not in api.call("GET", REPORTS, token=RITA).text


@pytest.fixture
def teaching(database: Database, tmp_path: Path) -> Api:
    """A site where residents are supervised, and a preliminary report waits two hours at most."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, cosign_roles="resident", preliminary_hours=2)
    services, archive = build_services(settings, database), FakeArchive()
    return Api(create_app(services, archive, {}), services, archive)


def test_what_a_resident_signs_is_preliminary_until_the_supervisor_has_signed(teaching: Api) -> None:
    """Both stand on it; what the supervisor changes is theirs alone."""
    api = teaching
    with_images(api)
    report = sign(api, written(api, THIRA), THIRA)
    assert (report["status"], report["signer"], report["claim"]) == ("preliminary", None, None)
    assert report["draft"]["presigned_by"]["subject"] == "thira"
    assert listed(api, "?waits_for=cosigner") == [report["id"]]
    assert sign(api, report, THIRA, 409)["code"] == "cosigner_needed"
    final = sign(api, read(api, report), RITA)
    assert [final[role]["subject"] for role in ("author", "signer", "cosigner")] == ["thira", "thira", "rita"]
    assert listed(api, "?waits_for=cosigner") == []
    draft = act(api, final, "amend", THIRA, kind="corrected", reason="side")
    waiting = sign(api, save(api, draft, THIRA, sections=filled(draft, **{"19005-8": "Left."})), THIRA)
    assert (waiting["status"], waiting["draft"]["presigned_by"]["subject"]) == ("final", "thira")
    changed = save(api, read(api, waiting), RITA, sections=filled(draft, **{"19005-8": "Right."}))
    assert changed["draft"]["presigned_by"] is None
    corrected = sign(api, changed, RITA)
    assert (corrected["author"]["subject"], corrected["signer"]["subject"]) == ("thira", "rita")
    assert corrected["cosigner"] is None


def test_a_report_that_stays_preliminary_stands_on_everybodys_list(teaching: Api) -> None:
    """After the hours that the site allows."""
    with_images(teaching)
    report = act(teaching, written(teaching), "preliminary")
    assert listed(teaching, "?waits_for=signature", BELA) == []
    with teaching.services.database.write() as session:
        row = session.scalars(select(Report)).one()
        assert row.issued_at is not None
        row.issued_at -= timedelta(hours=3)
    assert listed(teaching, "?waits_for=signature", BELA) == [report["id"]]


def test_a_draft_whose_author_was_switched_off_is_found_and_taken_over(api: Api) -> None:
    """By whoever goes on with it."""
    with_images(api)
    make(api, "rike", "radiologist")
    mine = token_of(api, "rike")
    report = written(api, mine)
    assert listed(api, "?waits_for=author") == []
    api.services.accounts.change("rike", "Rike", ["radiologist"], False, Origin("test"))
    assert listed(api, "?waits_for=author") == [report["id"]]
    assert act(api, report, "claim", reason="she has left")["draft"]["author"]["subject"] == "rita"
    assert listed(api, "?waits_for=author") == []


def moved(api: Api, uid: str, tmp_path: Path, **to: Any) -> None:
    """The study is linked to somebody else."""
    link(api, uid, expected=one(api, uid)["version"], **to)
    jobs(api, tmp_path).run()


def test_a_report_whose_images_are_moved_waits_for_a_radiologist(api: Api, tmp_path: Path) -> None:
    """Who links them back or withdraws it, and cannot keep it: one report is never of two people."""
    heard: list[tuple[str | None, int]] = []

    def listen(session: Session, report: Report, version: Version) -> None:
        heard.append((report.doubt, version.number))

    api.services.results.reports.on_issued(listen)
    uid = with_images(api)
    report = signed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg")
    moved(api, uid, tmp_path, patient_id="MRN-2")
    assert read(api, report)["doubt"] == "moved" and read(api, report)["mrn"] == "MRN-1"
    assert listed(api, "?waits_for=decision", BELA) == [report["id"]]
    assert listed(api, "?patient=MRN-2") == []
    assert act(api, report, "keep", token("doctor"), 403, **WHY)["code"] == "permission_missing"
    assert act(api, report, "keep", status=409, **WHY)["code"] == "study_uncertain"
    unlink(api, uid, expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert act(api, report, "keep", status=409, **WHY)["code"] == "study_uncertain"
    put_order(api, "ACC-2")
    moved(api, uid, tmp_path, order_id="ACC-2")
    assert read(api, report)["doubt"] == "orders"
    assert act(api, report, "keep", **WHY)["doubt"] is None
    assert act(api, report, "keep", status=409, **WHY)["code"] == "report_state"
    assert heard == [(None, 1), ("moved", 1), ("unlinked", 1), ("orders", 1), (None, 1)]
    assert amended(api, read(api, report))["doubt"] is None
    assert [action for action in audited(api) if action in ("report.doubted", "report.kept")] == [
        *["report.doubted"] * 3,
        "report.kept",
    ]


def test_a_doubt_ends_when_the_images_come_back(api: Api, tmp_path: Path) -> None:
    """Unlinked by mistake, and linked again to the same order."""
    uid = with_images(api)
    report = amended(api, signed(api))
    unlink(api, uid, expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert read(api, report)["doubt"] == "unlinked"
    moved(api, uid, tmp_path, order_id="ACC-1")
    assert read(api, report)["doubt"] is None
    assert "report.doubt_ended" in audited(api)


def test_a_report_in_doubt_can_be_withdrawn(api: Api, tmp_path: Path) -> None:
    """Then nothing is left to decide."""
    uid = with_images(api)
    report = signed(api)
    unlink(api, uid, expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert act(api, report, "withdraw", **WHY)["doubt"] is None


@pytest.mark.parametrize("how", ["moved", "unlinked", "split", "merge"])
def test_a_discarded_draft_does_not_hold_its_images(api: Api, tmp_path: Path, how: str) -> None:
    """The radiologist sees that they are somebody else's and discards it; then they are put right."""
    mixed_up = mixed(api)
    uid = mixed_up.uid
    act(api, begin(api, order_id="ACC-A"), "discard", **WHY)
    if how == "moved":
        moved(api, uid, tmp_path, patient_id="B-1")
    elif how == "unlinked":
        unlink(api, uid, expected=one(api, uid)["version"])
    elif how == "split":
        split(api, uid, series=[mixed_up.wrong], patient_id="B-1")
    else:
        assert verdict(api, merge("A40", "B-1", "A-1")) == "AA"
    jobs(api, tmp_path).run()
    found = {
        mrn: len(api.get(f"/api/v1/dicom/studies?mrn={mrn}", "radiologist").json["items"]) for mrn in ("A-1", "B-1")
    }
    assert found == {"moved": {"A-1": 0, "B-1": 1}, "unlinked": {"A-1": 0, "B-1": 0},
                     "split": {"A-1": 1, "B-1": 1}, "merge": {"A-1": 1, "B-1": 1}}[how]  # fmt: skip


def test_a_merge_is_no_reason_for_doubt(api: Api, tmp_path: Path) -> None:
    """Study and order go together, there and back."""
    with_images(api)
    report = signed(api)
    put_patient(api, "MRN-2", 201)
    for verb, body in (("merge", {"into": "MRN-2"}), ("unmerge", {})):
        post(api, f"/api/v1/patients/MRN-1/{verb}", body | {"reason": "x"}, 202, "service")
        jobs(api, tmp_path).run()
        assert read(api, report)["doubt"] is None
    assert "report.doubted" not in audited(api)


@pytest.mark.parametrize("how", ["moved", "unlinked", "order"])
def test_a_draft_is_not_signed_while_its_images_are_somebody_elses(api: Api, tmp_path: Path, how: str) -> None:
    """A technician moved them, unlinked them, or gave them to another order; linked back, it is signed."""
    uid = with_images(api)
    draft = written(api)
    put_patient(api, "MRN-2", 201, family_name="Berg")
    put_order(api, "ACC-2")
    if how == "unlinked":
        unlink(api, uid, expected=one(api, uid)["version"])
        jobs(api, tmp_path).run()
    else:
        moved(api, uid, tmp_path, **({"patient_id": "MRN-2"} if how == "moved" else {"order_id": "ACC-2"}))
    assert sign(api, draft, status=409)["code"] == "study_uncertain"
    assert act(api, draft, "preliminary", status=409)["code"] == "study_uncertain"
    assert read(api, draft) == draft
    moved(api, uid, tmp_path, order_id="ACC-1")
    assert sign(api, draft)["status"] == "final"


def test_an_order_that_the_ehr_moves_to_somebody_else_leaves_the_report(api: Api, tmp_path: Path) -> None:
    """Its number is not named beside another patient, and it can be reported for its own."""
    uid = with_images(api)
    put_order(api, "ACC-2")
    link(api, uid, order_ids=["ACC-1", "ACC-2"], expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    report = signed(api)
    put_patient(api, "MRN-2", 201, family_name="Berg")
    put_order(api, "ACC-1", "MRN-2")
    jobs(api, tmp_path).run()
    assert act(api, report, "keep", status=409, **WHY)["code"] == "study_uncertain"
    moved(api, uid, tmp_path, order_id="ACC-1")
    assert read(api, report)["doubt"] == "orders" and read(api, report)["mrn"] == "MRN-2"
    act(api, report, "keep", **WHY)
    assert amended(api, read(api, report))["version"] == 2
    version = api.call("GET", f"{REPORTS}/{report['id']}/versions/2", token=RITA).json
    assert version["accession_numbers"] == ["ACC-1"]
    assert [order(api, number)["status"] for number in ("ACC-1", "ACC-2")] == ["reported", "completed"]
