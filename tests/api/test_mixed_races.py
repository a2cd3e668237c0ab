"""One study, many people, different wishes at the same moment: one is heard, and all that is kept agrees on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ehr_bridge.services import audit
from tests.api.conftest import Api
from tests.api.deletion_steps import ask, decide, is_shown, requested, status
from tests.api.tag_steps import job, jobs, modify, rows, store
from tests.support.racing import heard_yes, race
from tests.support.samples import small
from tests.support.server import user_token

LOSERS = {
    (409, "modification_running"),
    (409, "deletion_requested"),
    (409, "deletion_state"),
    (409, "study_on_hold"),
    (409, "cannot_undo"),
    (404, "study_not_found"),
}
"""What somebody may hear whose wish came too late."""
NAMES = {
    "modify": "study.modification_requested",
    "undo": "study.undo_requested",
    "delete": "deletion.requested",
    "approve": "deletion.approved",
    "reject": "deletion.rejected",
    "restore": "deletion.restored",
    "hold": "study.held",
}


def files_of(api: Api, uid: str) -> dict[str, bytes]:
    return {key: api.archive.instances[key] for key in api.archive.instances_of(uid)}


def counted(api: Api, uid: str) -> Counter[str]:
    """How often each action stands in the audit trail of a study."""
    events = api.get(f"/api/v1/audit?study_instance_uid={uid}&limit=500", "admin").json["items"]
    return Counter(event["action"] for event in events if event["outcome"] == "success")


def modifying(api: Api, uid: str, date: str) -> tuple[str, Callable[[], Any]]:
    body = {"study_instance_uid": uid, "changes": {"StudyDate": date}, "reason": "wrong day"}
    token = user_token("technician", subject=f"t{date}")
    return "modify", lambda: api.call("POST", "/api/v1/dicom/modify-tags", token=token, json=body)


def undoing(api: Api, modification: str, number: int) -> tuple[str, Callable[[], Any]]:
    token = user_token("radiologist", subject=f"u{number}")
    path, body = f"/api/v1/modifications/{modification}/undo", {"reason": "it was right before"}
    return "undo", lambda: api.call("POST", path, token=token, json=body)


def deleting(api: Api, uid: str, number: int) -> tuple[str, Callable[[], Any]]:
    token = user_token("radiologist", subject=f"r{number}")
    return "delete", lambda: ask(api, uid, token)


def deciding(api: Api, deletion: str, verb: str, number: int) -> tuple[str, Callable[[], Any]]:
    token = user_token("manager", subject=f"m{number}")
    return verb, lambda: decide(api, deletion, verb, token)


def holding(api: Api, uid: str, number: int) -> tuple[str, Callable[[], Any]]:
    token = user_token("admin", subject=f"h{number}")
    path, body = f"/api/v1/dicom/studies/{uid}/hold", {"reason": "a lawyer asked"}
    return "hold", lambda: api.call("POST", path, token=token, json=body)


def modified_once(api: Api, folder: Path) -> tuple[str, str, dict[str, bytes]]:
    """A study with one modification that can be undone: its UID, the modification, and the files as they arrived."""
    uid = store(api, 2)
    arrived = files_of(api, uid)
    first = modify(api, uid, StudyDate="20260101")["id"]
    assert jobs(api, folder).run() == 0
    return uid, first, arrived


def all_agree(api: Api, uid: str, before: Counter[str], granted: list[str]) -> None:
    """The audit trail names every wish that was granted and no other; ledger and archive hold the same instances."""
    expected = Counter(NAMES[verb] for verb in granted)
    new = counted(api, uid) - before
    assert {name: new[name] for name in NAMES.values()} == {name: expected[name] for name in NAMES.values()}
    assert rows(api) == set(api.archive.instances)
    with api.services.database.read() as session:
        assert audit.verify(session).ok


def test_modify_undo_and_delete_at_the_same_moment_have_one_winner(api: Api, tmp_path: Path) -> None:
    """Six people: one wish is granted, five hear why not, and the study is as the one who won wanted it."""
    for _ in range(3):
        uid, first, arrived = modified_once(api, tmp_path)
        then, before = files_of(api, uid), counted(api, uid)
        wishes = [*(modifying(api, uid, f"2026020{n}") for n in (1, 2)), *(undoing(api, first, n) for n in (1, 2))]
        outcomes = race([*wishes, *(deleting(api, uid, n) for n in (1, 2))])
        granted = heard_yes(outcomes)
        assert len(granted) == 1, outcomes
        assert {(o.status, o.code) for o in outcomes if o.status != 202} <= LOSERS, outcomes
        assert jobs(api, tmp_path).run() == 0
        assert is_shown(api, uid) == (granted != ["delete"])
        if granted == ["delete"]:
            assert files_of(api, uid) == then
        elif granted == ["undo"]:
            assert files_of(api, uid) == arrived
        else:
            assert set(files_of(api, uid)) == set(then) and files_of(api, uid) != then
        all_agree(api, uid, before, granted)


def test_decisions_and_wishes_for_a_study_about_to_be_deleted_agree(api: Api, tmp_path: Path) -> None:
    """Approve, reject, restore, hold, modify, undo at once: one decision, and only what fits it is granted beside."""
    for _ in range(3):
        uid, first, arrived = modified_once(api, tmp_path)
        then, deletion = files_of(api, uid), requested(api, uid)
        before = counted(api, uid)
        decisions = [deciding(api, deletion, verb, n) for n, verb in enumerate(["approve", "reject", "restore"] * 2)]
        wishes = [modifying(api, uid, "20260203"), undoing(api, first, 1), holding(api, uid, 1), holding(api, uid, 2)]
        outcomes = race([*decisions, *wishes])
        granted = heard_yes(outcomes)
        assert {(o.status, o.code) for o in outcomes if o.status >= 300} <= LOSERS, outcomes
        assert len(heard_yes(outcomes, "approve", "reject")) == 1, outcomes
        assert len(heard_yes(outcomes, "hold")) == 1, outcomes
        restored = heard_yes(outcomes, "restore")
        assert len(restored) <= ("approve" in granted)
        is_back = "reject" in granted or bool(restored)
        changed = heard_yes(outcomes, "modify", "undo")
        assert len(changed) <= is_back
        assert jobs(api, tmp_path).run() == 0
        assert is_shown(api, uid) == is_back
        assert status(api, deletion) == (["restored"] if restored else ["rejected"] if is_back else ["approved"])[0]
        if not changed:
            assert files_of(api, uid) == then
        if changed == ["undo"]:
            assert files_of(api, uid) == arrived
        all_agree(api, uid, before, granted)


def test_a_modification_under_way_and_everybody_elses_wishes(api: Api, tmp_path: Path) -> None:
    """While the job is queued nobody else is heard; files that arrive are stored, and get the new value too."""
    uid = store(api, 2)
    series = {"StudyInstanceUID": uid}
    asked = modify(api, uid, StudyDate="20260204")
    before = counted(api, uid)
    uploads = [("upload", lambda: api.upload(small(**series)))] * 2
    outcomes = race([deleting(api, uid, 1), modifying(api, uid, "20260205"), undoing(api, asked["id"], 1), *uploads])
    assert heard_yes(outcomes) == ["upload", "upload"]
    refused = {(o.status, o.code) for o in outcomes if o.verb != "upload"}
    assert refused == {(409, "modification_running")}
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"
    assert len(files_of(api, uid)) == 4
    dates = {b"20260204" in data for data in files_of(api, uid).values()}
    assert dates == {True}
    all_agree(api, uid, before, [])
