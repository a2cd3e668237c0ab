"""Deleting a study: asked for, decided by somebody else, restored or purged; legal holds."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.deletion.steps import TRANSITIONS
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from tests.api.conftest import Api
from tests.api.deletion_steps import (
    DELETIONS,
    MAX,
    RITA,
    STUDIES,
    Purging,
    actions,
    approved,
    ask,
    decide,
    grace_is_over,
    is_shown,
    requested,
    status,
    stored,
)
from tests.api.tag_steps import modify
from tests.support.samples import small
from tests.support.server import user_token


def test_a_request_hides_the_study_and_shows_approvers_what_it_is(api: Api) -> None:
    """202 with the request: facts of the study, no images."""
    uid = stored(api)
    answer = ask(api, uid)
    assert answer.status_code == 202
    facts = answer.json
    assert (facts["status"], facts["reason"], facts["requested_by"]) == ("pending", "wrong patient", "rita")
    assert (facts["mrn"], facts["accession_number"], facts["modalities"]) == ("MRN-1", "ACC-1", ["MR"])
    assert (facts["number_of_instances"], facts["study_date"], facts["on_hold"]) == (1, "2026-01-15", False)
    assert not is_shown(api, uid)
    assert api.get(f"{DELETIONS}?status=pending", "manager").json["items"] == [facts]
    assert api.get(f"{DELETIONS}?status=approved", "manager").json["total"] == 0
    body = {"order_id": "ACC-1"}
    assert api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=body).status_code == 404


def test_a_request_needs_a_reason_a_study_and_the_permission(api: Api) -> None:
    """422, 404, 403; and one request is enough."""
    uid = stored(api)
    for headers in ({}, {"X-Reason": "  "}, {"X-Reason": "x" * 256}):
        answer = api.call("DELETE", f"{STUDIES}/{uid}", token=RITA, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert ask(api, "1.2.3").json["code"] == "study_not_found"
    assert ask(api, uid, user_token("doctor")).status_code == 403
    assert is_shown(api, uid)
    requested(api, uid)
    answer = ask(api, uid)
    assert (answer.status_code, answer.json["code"]) == (409, "deletion_requested")


def test_who_has_to_wait_for_a_job_hears_whose_it_is(api: Api) -> None:
    """As everywhere else."""
    uid = stored(api)
    modify(api, uid, StudyDate="20260201")
    answer = ask(api, uid)
    assert (answer.status_code, answer.json["code"]) == (409, "modification_running")
    assert "to modify its tags" in answer.json["detail"]


def test_requesters_see_their_own_requests_and_others_none(api: Api) -> None:
    """Who may approve sees all of them."""
    requested(api, stored(api))
    assert api.get(DELETIONS, token=RITA).json["total"] == 1
    assert api.get(DELETIONS, token=user_token("radiologist", subject="rolf")).json["total"] == 0
    assert api.get(DELETIONS, "admin").json["total"] == 1
    assert api.get(DELETIONS, "nurse").status_code == 403


def test_nobody_approves_their_own_request_whatever_their_roles(api: Api) -> None:
    """Not with every role there is; taking one's own request back is allowed."""
    uid = stored(api)
    rita = user_token("radiologist", "manager", "admin", subject="rita")
    deletion = requested(api, uid)
    answer = decide(api, deletion, "approve", rita)
    assert (answer.status_code, answer.json["code"]) == (403, "own_request")
    assert status(api, deletion) == "pending"
    assert decide(api, deletion, "reject", rita).status_code == 200
    assert is_shown(api, uid)


def test_a_rejection_brings_the_study_back_with_the_reason_kept(api: Api) -> None:
    """With or without one; then it can be asked for again."""
    uid = stored(api)
    answer = decide(api, requested(api, uid), "reject", json={"reason": "it is the right patient"})
    assert (answer.json["status"], answer.json["decision_reason"]) == ("rejected", "it is the right patient")
    assert is_shown(api, uid)
    assert decide(api, requested(api, uid), "reject").json["decision_reason"] is None
    deletion = requested(api, uid)
    assert decide(api, deletion, "reject", json={"reasons": "x"}).status_code == 422
    assert decide(api, deletion, "reject", data="{").json["code"] == "malformed_json"
    assert status(api, deletion) == "pending"


def test_an_approved_deletion_can_be_restored_until_the_purge(api: Api) -> None:
    """Seven days unless configured; nothing is purged before."""
    uid = stored(api)
    deletion = requested(api, uid)
    answer = decide(api, deletion, "approve").json
    assert (answer["status"], answer["decided_by"]) == ("approved", "max")
    days = datetime.fromisoformat(answer["purge_after"]) - datetime.fromisoformat(answer["decided_at"])
    assert days == timedelta(days=7)
    archive = Purging()
    assert api.services.purge.run(archive) == 0 and archive.deleted == []
    assert not is_shown(api, uid)
    assert decide(api, deletion, "restore").json["restored_by"] == "max"
    assert is_shown(api, uid)
    grace_is_over(api)
    assert api.services.purge.run(archive) == 0 and archive.deleted == []


def test_every_illegal_move_is_refused(api: Api) -> None:
    """As the one table of transitions says."""
    verbs = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn", "restore": "restored"}
    uid = stored(api)
    deletion = requested(api, uid)
    for state, allowed in TRANSITIONS.items():
        for verb, target in verbs.items():
            with api.services.database.write() as session:
                session.get_one(DeletionRequest, uuid.UUID(deletion)).status = state
            answer = decide(api, deletion, verb, RITA if verb == "withdraw" else MAX)
            if target in allowed:
                assert answer.status_code == 200, (state, verb)
            else:
                assert (answer.status_code, answer.json["code"]) == (409, "deletion_state"), (state, verb)
    answer = decide(api, str(uuid.UUID("0" * 32)), "approve")
    assert (answer.status_code, answer.json["code"]) == (404, "deletion_not_found")


def test_a_purge_keeps_our_rows_and_empties_the_order(api: Api) -> None:
    """The log, the link as history, the study with its deletion; every step audited with counts."""
    uid = stored(api)
    deletion = approved(api, uid)
    grace_is_over(api)
    archive = Purging()
    assert api.services.purge.run(archive) == 1 and archive.deleted == [uid]
    assert api.services.purge.run(archive) == 0 and archive.deleted == [uid]
    assert status(api, deletion) == "purged"
    assert decide(api, deletion, "restore").status_code == 409
    assert ask(api, uid).json["code"] == "study_not_found"
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert order["orthanc_study_id"] is None and order["number_of_images"] is None
    assert order["study_instance_uid"] == order["scheduled_study_instance_uid"]
    with api.services.database.read() as session:
        study = session.scalars(select(Study)).one()
        assert study.deleted_at is not None and study.order_id is None
        link = session.scalars(select(StudyLink)).one()
        assert link.unlinked_at is not None and link.order_id is not None
        assert len(session.scalars(select(Instance)).all()) == 1
        assert audit.verify(session).ok
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert (entry["is_deleted"], entry["number_of_files"]) == (True, 1)
    facts = api.get(DELETIONS, "manager").json["items"][0]
    assert (facts["mrn"], facts["accession_number"], facts["number_of_instances"]) == ("MRN-1", "ACC-1", 1)
    assert actions(api, uid) == ["deletion.requested", "deletion.approved", "deletion.purging", "deletion.purged"]
    events = api.get("/api/v1/audit?action=deletion.purged", "admin").json["items"]
    assert events[0]["detail"] == {"deletion_id": deletion, "series": 1, "instances": 1, "orthanc_studies": 1}


def test_the_order_shows_its_other_study_when_the_first_is_purged(api: Api) -> None:
    """Two studies were uploaded for it."""
    uid = stored(api)
    other = api.upload(small(), headers={"X-Accession-Number": "ACC-1"}).json["studies"][0]["study_instance_uid"]
    approved(api, uid)
    grace_is_over(api)
    api.services.purge.run(Purging())
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["study_instance_uid"], order["number_of_images"]) == (other, 1)


def test_a_purge_that_was_interrupted_is_done_again(api: Api) -> None:
    """Marked, then the archive fails or the process dies: nothing can be restored, and the next run ends it."""
    uid = stored(api)
    deletion = approved(api, uid)
    grace_is_over(api)
    archive = Purging()
    archive.fails = Unavailable("archive_unavailable", "away")
    with pytest.raises(Unavailable):
        api.services.purge.run(archive)
    assert status(api, deletion) == "purging"
    assert not is_shown(api, uid)
    assert decide(api, deletion, "restore").json["code"] == "deletion_state"
    archive.fails = None
    assert api.services.purge.run(archive) == 1
    assert status(api, deletion) == "purged"
    assert actions(api, uid)[-2:] == ["deletion.purging", "deletion.purged"]


def test_a_study_under_legal_hold_cannot_be_deleted(api: Api) -> None:
    """Neither asked for nor approved; a hold after the approval stops the purge, and a release lets it go on."""
    uid = stored(api)
    hold = f"{STUDIES}/{uid}/hold"
    answer = api.call("POST", hold, token=RITA, json={"reason": "court order"})
    assert (answer.status_code, answer.json["held_by"]) == (201, "rita")
    assert api.call("POST", hold, token=RITA, json={"reason": "again"}).json["code"] == "study_on_hold"
    shown = api.get(hold, "nurse").json
    assert (shown["reason"], shown["held_by"], shown["released_at"]) == ("court order", "rita", None)
    assert ask(api, uid).json["code"] == "study_on_hold"
    assert is_shown(api, uid)
    assert api.call("DELETE", hold, token=RITA).status_code == 403
    answer = api.call("DELETE", hold, token=MAX, headers={"X-Reason": "case closed"})
    assert (answer.status_code, answer.json["released_by"]) == (200, "max")
    assert answer.json["release_reason"] == "case closed"
    assert api.call("DELETE", hold, token=MAX).json["code"] == "hold_not_found"
    assert (api.get(hold, "nurse").status_code, api.get(hold, "nurse").data) == (204, b"")

    deletion = requested(api, uid)
    api.call("POST", hold, token=RITA, json={"reason": "court order"})
    assert decide(api, deletion, "approve").json["code"] == "study_on_hold"
    assert status(api, deletion) == "pending"
    api.call("DELETE", hold, token=MAX)
    assert decide(api, deletion, "approve").status_code == 200
    api.call("POST", hold, token=RITA, json={"reason": "court order"})
    grace_is_over(api)
    archive = Purging()
    assert api.services.purge.run(archive) == 0 and archive.deleted == []
    assert api.get(DELETIONS, "manager").json["items"][0]["on_hold"] is True
    api.call("DELETE", hold, token=MAX)
    assert api.services.purge.run(archive) == 1
    assert api.call("POST", hold, token=RITA, json={"reason": "late"}).json["code"] == "study_not_found"
    assert actions(api, uid).count("study.held") == actions(api, uid).count("study.hold_released") == 3


def test_another_node_hears_of_it(api: Api) -> None:
    """The list is refreshed from the database."""
    uid = stored(api)
    elsewhere = HiddenStudies(api.services.database, api.services.clock)
    was_loaded = elsewhere.is_loaded
    elsewhere.refresh()
    assert (was_loaded, elsewhere.is_loaded) == (False, True)
    assert uid not in elsewhere
    deletion = requested(api, uid)
    elsewhere.refresh()
    assert uid in elsewhere
    decide(api, deletion, "reject")
    elsewhere.refresh()
    assert uid not in elsewhere


def test_an_order_keeps_its_facts_while_its_study_is_only_hidden(api: Api) -> None:
    """So that a restoration finds everything as it was."""
    uid = stored(api)
    before = api.get("/api/v1/orders/ACC-1", "nurse").json
    decide(api, approved(api, uid), "restore")
    assert api.get("/api/v1/orders/ACC-1", "nurse").json == before
    with api.services.database.read() as session:
        assert session.scalars(select(Order)).one().orthanc_study_id is not None
