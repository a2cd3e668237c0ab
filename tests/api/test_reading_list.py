"""What waits to be read: every study once, emergencies first, with an order or without."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.reporting.reading_list import SORTS, ReadingFilters, waiting
from tests.api.conftest import Api
from tests.api.deletion_steps import decide, purged, requested, sent_again
from tests.api.link_steps import link, one, order, put_order, put_patient
from tests.api.privacy_steps import restrict
from tests.api.report_steps import RITA, act, begin, listed, read, save, sign, signed, token, with_images, written
from tests.api.tag_steps import jobs
from tests.support.samples import small

LIST = "/api/v1/reading-list"


def unread(api: Api, query: str = "", status: int = 200) -> dict[str, Any]:
    answer = api.call("GET", f"{LIST}{query}", token=RITA)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def numbers(api: Api, query: str = "") -> list[list[str]]:
    """The accession numbers of each row."""
    return [[order["accession_number"] for order in row["orders"]] for row in unread(api, query)["items"]]


def walk_in(api: Api, mrn: str = "MRN-1") -> str:
    """A study of a patient that nobody has ordered."""
    put_patient(api, mrn, status=201)
    answer = api.upload(small(), headers={"X-Patient-Id": mrn})
    return str(answer.json["studies"][0]["study_instance_uid"])


def test_emergencies_are_first_then_what_has_waited_longest_then_what_nobody_has_ordered(
    api: Api, tmp_path: Path
) -> None:
    """One row for a study of several orders; it is as urgent as the most urgent of them."""
    alone = walk_in(api)
    first, second = with_images(api), with_images(api, "ACC-2")
    put_order(api, "ACC-3", priority="STAT")
    put_order(api, "ACC-4", priority="STAT")  # no images yet
    link(api, second, order_ids=["ACC-2", "ACC-3"], expected=one(api, second)["version"])
    jobs(api, tmp_path).run()
    assert numbers(api) == [["ACC-2", "ACC-3"], ["ACC-1"], []]
    found = unread(api)
    assert [row["study_instance_uid"] for row in found["items"]] == [second, first, alone]
    assert [row["urgency"] for row in found["items"]] == ["stat", "routine", "no_order"]
    assert (found["total"], found["counts"]) == (3, {"stat": 1, "high": 0, "routine": 1, "low": 0, "no_order": 1})
    row = found["items"][0]
    assert (row["mrn"], row["patient_birth_date"], row["modalities"], row["number_of_instances"]) == (
        "MRN-1", "1961-03-14", ["MR"], 1,
    )  # fmt: skip
    put_order(api, "ACC-1", priority="HIGH")
    put_order(api, "ACC-3", priority="LOW")
    assert [row["urgency"] for row in unread(api)["items"]] == ["high", "routine", "no_order"]
    api.call("POST", "/api/v1/orders/ACC-3/cancel", "service")
    assert numbers(api)[0] == ["ACC-1"]


def test_a_study_leaves_the_list_when_its_report_is_signed_and_comes_back_when_it_is_withdrawn(api: Api) -> None:
    """Who has begun it, and who holds it, stands in its row; what was reported elsewhere is not read here."""
    uid = with_images(api)
    assert unread(api)["items"][0]["report"] is None
    draft = written(api)
    shown = unread(api)["items"][0]["report"]
    assert (shown["id"], shown["claim"]["by"]["subject"], shown["draft_kind"]) == (draft["id"], "rita", "new")
    report = act(api, draft, "preliminary")
    assert unread(api)["items"][0]["report"]["status"] == "preliminary"
    report = sign(api, report)
    assert unread(api)["items"] == []
    act(api, report, "amend", kind="amended", reason="x")
    assert unread(api)["items"] == []
    act(api, report, "withdraw", reason="of somebody else")
    assert unread(api)["items"][0]["report"] is None
    assert order(api)["status"] == "completed"
    put_order(api, status="reported")
    assert unread(api)["total"] == 0
    alone = walk_in(api, "MRN-2")
    assert [row["study_instance_uid"] for row in unread(api)["items"]] == [alone]
    signed(api, study_instance_uid=alone)
    assert unread(api)["total"] == 0 and uid != alone


def test_a_report_that_was_begun_before_the_images_stands_in_the_row(api: Api) -> None:
    """It is the one that is gone on with."""
    api.place_order()
    draft = begin(api)
    assert unread(api)["items"] == []
    with_images(api)
    assert unread(api)["items"][0]["report"]["id"] == draft["id"]
    sign(api, save(api, draft))
    assert unread(api)["items"] == []


def test_the_list_is_narrowed_and_read_page_by_page(api: Api) -> None:
    """By the words of all lists, and by urgency, modality, and whether somebody has begun."""
    uids = [with_images(api, f"ACC-{number}", f"MRN-{number}") for number in (1, 2, 3)]
    put_order(api, "ACC-2", "MRN-2", priority="STAT")
    begin(api, order_id="ACC-3")
    for query, expected in {
        "urgency=stat,high": [["ACC-2"]], "urgency=no_order": [], "modality=MR": [["ACC-2"], ["ACC-1"], ["ACC-3"]],
        "modality=CT": [], "begun=true": [["ACC-3"]], "begun=false": [["ACC-2"], ["ACC-1"]],
        "patient=MRN-1": [["ACC-1"]],
        "order=ACC-3": [["ACC-3"]], f"study={uids[0]}": [["ACC-1"]], "from=2999-01-01T00:00:00Z": [],
        "to=2999-01-01T00:00:00Z&sort=-waiting_since": [["ACC-3"], ["ACC-2"], ["ACC-1"]],
        "updated_since=2999-01-01T00:00:00Z": [],
    }.items():  # fmt: skip
        assert numbers(api, f"?{query}") == expected, query
    seen, page = [], unread(api, "?limit=1")
    while True:
        seen += [row["orders"][0]["accession_number"] for row in page["items"]]
        if page["next"] is None:
            break
        page = unread(api, f"?limit=1&cursor={page['next']}")
    assert seen == ["ACC-2", "ACC-1", "ACC-3"]
    for query in ("urgency=urgent", "sort=name", "colour=red"):
        assert unread(api, f"?{query}", 422)["code"] == "invalid_request"
    assert api.call("GET", LIST, token=token("doctor")).json["code"] == "permission_missing"


def test_what_is_hidden_or_not_certainly_somebodys_is_not_on_the_list(api: Api) -> None:
    """A restricted patient, a study that is to be deleted, images without a patient."""
    with_images(api, "ACC-1", "MRN-1")
    uid = with_images(api, "ACC-2", "MRN-2")
    api.upload(small())
    restrict(api, "MRN-1", "bela")
    assert numbers(api) == [["ACC-2"]] and unread(api)["total"] == 1
    deletion = requested(api, uid)
    assert numbers(api) == []
    decide(api, deletion, "reject")
    assert numbers(api) == [["ACC-2"]]


def test_what_is_another_patients_by_now_is_not_named_beside_this_one(api: Api, database: Database) -> None:
    """An order that the EHR has moved, to somebody who is restricted even, and a report that was written of them."""
    with_images(api)
    begin(api)
    other = put_patient(api, "MRN-2", 201, family_name="Berg")
    with database.write() as session:
        for row in (session.scalars(select(Order)).one(), session.scalars(select(Report)).one()):
            row.patient_id = uuid.UUID(other["id"])
    assert [(row["mrn"], row["orders"], row["report"]) for row in unread(api)["items"]] == [("MRN-1", [], None)]
    assert (unread(api, "?begun=true")["total"], unread(api, "?begun=false")["total"]) == (0, 1)


def test_ten_thousand_studies_are_found_in_the_order_of_their_index(database: Database) -> None:
    """No sorting of all that waits for the first page."""
    now, none = utc_now(), {"match_kind": "none", "match_score": 0.0}
    said: dict[str, Any] = {name: [] for name in ("match_evidence", "coerced", "modalities")}
    said |= {"corrections": {}, "received_identity": {}, "number_of_series": 1, "number_of_instances": 1}
    rows = [
        {
            "id": uuid.uuid4(), "study_instance_uid": f"1.2.{number}", "orthanc_study_id": f"o{number}",
            "link_status": LinkStatus.LINKED, "reading_rank": None if number % 10 else number // 10 % 5,
            "created_at": now - timedelta(minutes=number), "updated_at": now, "is_settled": True, **none, **said,
        }
        for number in range(10_000)
    ]  # fmt: skip
    with database.engine.begin() as connection:
        connection.execute(insert(Study), rows)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE studies"))
    query = waiting(ReadingFilters()).order_by(*SORTS.order(None)).limit(50)
    compiled = query.compile(database.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.engine.connect() as connection:
        plan = "\n".join(str(row) for row in connection.execute(text(f"{explain} {compiled}".replace(":", r"\:"))))
    assert "ix_studies_reading" in plan and "Sort" not in plan and "ORDER BY" not in plan, plan


@pytest.mark.parametrize("is_ordered", [True, False], ids=["ordered", "walk-in"])
def test_images_that_come_again_after_a_purge_wait_to_be_read(api: Api, tmp_path: Path, is_ordered: bool) -> None:
    """The report of those that were purged is of other images: it takes nothing off the list, is in nobody's way, and
    stays hidden, whatever images come under its UID."""
    uid = with_images(api) if is_ordered else walk_in(api)
    old = signed(api) if is_ordered else signed(api, study_instance_uid=uid)
    api.services.recorder.settle()
    purged(api, uid)
    assert unread(api)["total"] == 0
    sent_again(api, uid)
    link(api, uid, **({"order_id": order(api)["id"]} if is_ordered else {"patient_id": "MRN-1"}))
    jobs(api, tmp_path).run()
    assert [row["study_instance_uid"] for row in unread(api)["items"]] == [uid]
    assert unread(api)["items"][0]["report"] is None
    assert read(api, old, status=404)["code"] == "report_not_found"
    new = signed(api) if is_ordered else signed(api, study_instance_uid=uid)
    assert (new["version"], unread(api)["total"]) == (1, 0)
    assert listed(api) == [new["id"]]
