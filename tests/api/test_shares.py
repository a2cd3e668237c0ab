"""Links by which people outside see one study: made, opened, counted, and ended for every reason there is."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.viewing import Share, ViewerToken
from ehr_bridge.settings import Settings
from tests.api.conftest import Api, facts
from tests.api.deletion_steps import decide, requested
from tests.api.filing_steps import documents, filed
from tests.api.link_steps import link, one, unlink
from tests.api.privacy_steps import restrict
from tests.api.report_steps import act, amended, save, sign, with_images, written
from tests.api.share_steps import (
    DAY,
    EXCHANGE,
    PUBLIC_URL,
    SHARES,
    Clock,
    end,
    listed,
    opened,
    opens_nothing,
    said,
    secret_of,
    sees,
    share,
    sharing_api,
    token,
    token_of,
)
from tests.api.split_steps import mixed, split
from tests.api.tag_steps import jobs
from tests.support.racing import race
from tests.support.samples import small
from tests.support.server import SECRET


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        jwt_secret=SecretStr(SECRET), data_dir=tmp_path, sharing=True, public_url=PUBLIC_URL, sign_ins_per_minute=1000
    )


@pytest.fixture
def api(database: Database, settings: Settings, clock: Clock) -> Api:
    return sharing_api(database, settings, clock)


def test_a_link_opens_its_study_and_only_digests_are_kept(api: Api) -> None:
    """The doctor gets a link, a QR code and nothing else that opens; the database has neither secret nor PIN."""
    uid = with_images(api)
    made = share(api, uid, pin="471147", max_uses=3)
    assert made["url"].startswith(f"{PUBLIC_URL}/ehr/share#") and made["qr_code"].startswith("data:image/svg+xml")
    assert len(secret_of(made)) >= 32
    entry = made["share"]
    assert (entry["state"], entry["has_pin"], entry["uses"], entry["max_uses"]) == ("active", True, 0, 3)
    assert (entry["created_by"], entry["patient_name"], entry["mrn"]) == ("doctor", "Lindqvist^Åsa", "MRN-1")
    answer = opened(api, made, "471147")
    assert (answer.status_code, answer.json["study_instance_uid"], answer.json["reports"]) == (201, uid, [])
    assert sees(api, answer.json["token"], uid)
    assert answer.headers["Cache-Control"] == "no-store"
    with api.services.database.read() as session:
        row = session.scalars(select(Share)).one()
        whole = str(session.execute(text("SELECT * FROM shares")).all())
    assert row.secret_sha256 == hashlib.sha256(secret_of(made).encode()).hexdigest()
    assert (row.pin_hash or "").startswith("$argon2id$")
    assert secret_of(made) not in whole and "471147" not in whole
    assert [each["uses"] for each in listed(api)] == [1]


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ("doctor", 201), ("radiologist", 201), ("technician", 403), ("nurse", 403), ("admin", 403), ("service", 403),
    ],
)  # fmt: skip
def test_who_may_download_may_share(api: Api, roles: str, status: int) -> None:
    """And nobody else."""
    share(api, role=roles, status=status)


def test_off_there_is_nothing(api: Api, settings: Settings, clock: Clock, database: Database) -> None:
    """Unless EHR_BRIDGE_SHARING=1: no route does anything, and what was opened before is closed."""
    made = share(api)
    token = token_of(api, made)
    off = sharing_api(database, settings.model_copy(update={"sharing": False}), clock)
    for answer in (
        off.call("POST", SHARES, "doctor", json={"study_instance_uid": "1.2", "ttl_seconds": 60}),
        off.get(SHARES, "doctor"),
        end(off, made),
        opened(off, made),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "sharing_off")
    assert off.call("POST", EXCHANGE, token=token).status_code == 401
    assert off.get("/api/v1/auth/me", "doctor").json["sharing"] is False
    assert api.get("/api/v1/auth/me", "doctor").json["sharing"] is True


def test_a_link_ends_when_it_expires(api: Api, clock: Clock) -> None:
    """Also for whoever is looking at the images at that moment."""
    made = share(api, ttl_seconds=3600)
    uid = made["share"]["study_instance_uid"]
    clock.ahead += timedelta(minutes=59)
    token = token_of(api, made)
    assert sees(api, token, uid)
    clock.ahead += timedelta(minutes=1, seconds=10)
    assert not sees(api, token, uid)
    assert api.call("POST", EXCHANGE, token=token).status_code == 401
    assert opens_nothing(api, made)
    assert [each["state"] for each in listed(api)] == ["expired"]


def test_a_token_is_short_and_is_renewed_while_the_share_lives(api: Api, clock: Clock) -> None:
    """Half an hour at most; the viewer asks for the next one by itself."""
    made = share(api)
    first = opened(api, made).json
    token, uid = first["token"], made["share"]["study_instance_uid"]
    for _ in range(4):
        clock.ahead += timedelta(minutes=14)
        renewed = api.call("POST", EXCHANGE, token=token)
        assert renewed.status_code == 201 and renewed.json["operations"] == ["view"]
        token = renewed.json["token"]
    assert sees(api, token, uid) and not sees(api, first["token"], uid)
    clock.ahead += timedelta(minutes=31)
    assert not sees(api, token, uid)
    assert [each["uses"] for each in listed(api)] == [1]
    end(api, made)
    assert api.call("POST", EXCHANGE, token=token).status_code == 401


@pytest.mark.parametrize("late", [0, 2])
def test_what_was_opened_ends_with_the_share_also_at_the_last_moment(api: Api, clock: Clock, late: int) -> None:
    """Within the seconds for which a token that is over is still taken: it is not renewed, nor any that came of it."""
    made = share(api)
    token, uid = token_of(api, made), made["share"]["study_instance_uid"]
    clock.ahead += timedelta(minutes=15, seconds=late)
    assert sees(api, token, uid)
    assert end(api, made).status_code == 204
    assert api.call("POST", EXCHANGE, token=token).json["code"] == "token_revoked"
    assert not sees(api, token, uid)


def test_a_token_is_not_renewed_whose_share_has_ended(api: Api, clock: Clock) -> None:
    """Whatever the token's own row says: another node may have renewed it at the same moment."""
    made = share(api)
    token = token_of(api, made)
    with api.services.database.write() as session:
        session.get_one(Share, uuid.UUID(made["share"]["id"])).ended_at = clock()
    assert api.call("POST", EXCHANGE, token=token).json["code"] == "token_revoked"


def test_the_pin_is_asked_for_and_five_wrong_ones_end_it(api: Api) -> None:
    """A right one in between forgives nothing; asking without one counts nothing, and is audited."""
    made = share(api, pin="471147")
    assert [opened(api, made).json["code"] for _ in range(9)] == ["share_pin_required"] * 9
    assert [opened(api, made, "000000").json["code"] for _ in range(4)] == ["share_pin_wrong"] * 4
    token = token_of(api, made, "471147")
    assert opens_nothing(api, made, "")
    assert opens_nothing(api, made, "471147")
    assert not sees(api, token, made["share"]["study_instance_uid"])
    (entry,) = listed(api)
    assert (entry["state"], entry["end_reason"], entry["wrong_pins"]) == ("ended", "wrong_pins", 5)
    refused = [facts(event["detail"]) for event in said(api, "share.refused")]
    assert [each["wrong_pins"] for each in refused] == [0] * 9 + [1, 2, 3, 4, 5, 5]
    assert {each["code"] for each in refused[:9]} == {"share_pin_required"}
    assert {event["outcome"] for event in said(api, "share.refused")} == {"refused"}


def test_guesses_at_the_same_moment_are_counted_one_by_one(api: Api) -> None:
    """Ten wrong PINs at once are not more than five."""
    made = share(api, pin="471147")
    heard = race([(pin, partial(opened, api, made, pin)) for pin in (f"{number:06}" for number in range(10))])
    assert sorted(one.code for one in heard) == ["share_not_found"] * 6 + ["share_pin_wrong"] * 4
    assert opens_nothing(api, made, "471147")


def test_a_count_is_never_exceeded(api: Api) -> None:
    """Eight come at once to a link for three."""
    made = share(api, max_uses=3)
    heard = race([(str(n), lambda: opened(api, made)) for n in range(8)])
    assert sorted(one.status for one in heard) == [201] * 3 + [404] * 5
    (entry,) = listed(api)
    assert (entry["state"], entry["uses"]) == ("used_up", 3)
    assert [facts(event["detail"])["use"] for event in said(api, "share.opened")] == [1, 2, 3]


def test_who_has_opened_it_goes_on_when_it_is_used_up(api: Api) -> None:
    """A use is an opening, not a look."""
    made = share(api, max_uses=1)
    token = token_of(api, made)
    assert opens_nothing(api, made)
    assert sees(api, token, made["share"]["study_instance_uid"])
    assert api.call("POST", EXCHANGE, token=token).status_code == 201


def test_ending_it_ends_it_at_once_on_every_node(api: Api, settings: Settings, database: Database) -> None:
    """Here with the answer; elsewhere with the next look at what was revoked. Ending it twice is no error."""
    made = share(api)
    uid = made["share"]["study_instance_uid"]
    elsewhere = sharing_api(database, settings, Clock())
    token = token_of(api, made)
    assert sees(elsewhere, token, uid)
    assert end(api, made).status_code == 204
    assert api.call("POST", EXCHANGE, token=token).json["code"] == "token_revoked"
    elsewhere.services.revocations.refresh()
    assert elsewhere.call("POST", EXCHANGE, token=token).status_code == 401
    assert opens_nothing(elsewhere, made)
    assert end(api, made, "admin").status_code == 204
    (entry,) = listed(api)
    assert (entry["state"], entry["ended_by"], entry["end_reason"]) == ("ended", "doctor", "revoked")
    assert [facts(event["detail"])["reason"] for event in said(api, "share.ended")] == ["revoked"]


def test_colleagues_and_who_manages_accounts_may_end_it_others_not(api: Api) -> None:
    """Ending is the safe side."""
    made = share(api)
    assert [end(api, made, role).status_code for role in ("nurse", "technician")] == [403, 403]
    assert end(api, made, "radiologist").status_code == 204
    assert end(api, share(api, listed(api)[0]["study_instance_uid"]), "admin").status_code == 204
    missing = {"share": {"id": "00000000-0000-0000-0000-000000000000"}}
    assert end(api, missing).json["code"] == "share_not_found"


def test_what_somebody_shared_ends_when_their_account_is_switched_off(api: Api) -> None:
    """With the answer, also for whoever is looking, and not again when it is switched on. Another role and another name
    are no reason; what others shared stays."""
    account = {"full_name": "Dora", "roles": ["doctor"], "active": True}
    path = "/api/v1/accounts/dora"
    created = {"username": "dora", "full_name": "Dora", "password": "correct horse battery", "roles": ["doctor"]}
    assert api.call("POST", "/api/v1/accounts", "admin", json=created).status_code == 201
    body = {"study_instance_uid": (uid := with_images(api)), "ttl_seconds": DAY}
    made = api.call("POST", SHARES, token=token("doctor", subject="dora"), json=body).json
    others = share(api, uid)
    its, of_others = token_of(api, made), token_of(api, others)
    for change in ({"full_name": "Dora B."}, {"roles": ["nurse"]}):
        assert api.call("PUT", path, "admin", json=account | change).status_code == 200
    assert sees(api, its, uid)
    assert api.call("PUT", path, "admin", json=account | {"active": False}).status_code == 200
    assert api.call("POST", EXCHANGE, token=its).json["code"] == "token_revoked"
    assert not sees(api, its, uid) and sees(api, of_others, uid)
    assert api.call("PUT", path, "admin", json=account).status_code == 200
    assert opens_nothing(api, made)
    entries = {entry["created_by"]: entry for entry in listed(api)}
    assert (entries["dora"]["ended_by"], entries["dora"]["end_reason"]) == ("admin", "revoked")
    assert entries["doctor"]["state"] == "active"
    assert [facts(event["detail"])["share_id"] for event in said(api, "share.ended")] == [made["share"]["id"]]


def test_a_restricted_patient_is_not_shared_by_anybody(api: Api) -> None:
    """Not by those on the list either: whoever is outside is on none."""
    uid = with_images(api)
    made = share(api, uid)
    token = token_of(api, made)
    restrict(api, "MRN-1", "doctor")
    assert not sees(api, token, uid)
    assert opens_nothing(api, made)
    assert share(api, uid, status=403)["code"] == "restricted_stays_here"
    assert share(api, uid, "radiologist", status=403)["code"] == "patient_restricted"
    assert [each["end_reason"] for each in listed(api)] == ["restricted"]
    assert listed(api, role="radiologist") == []
    assert end(api, made, "radiologist").json["code"] == "patient_restricted"


def test_a_link_ends_when_the_study_is_another_patients(api: Api, tmp_path: Path) -> None:
    """The worst that could be seen. It ends when that is asked for, before the first file says it, and stays ended when
    the study comes back."""
    uid = with_images(api)
    made = share(api, uid)
    token = token_of(api, made)
    api.place_order("ACC-2", "MRN-2", family_name="Berg")
    link(api, uid, order_id="ACC-2", expected=one(api, uid)["version"])
    assert not sees(api, token, uid)
    assert opens_nothing(api, made)
    jobs(api, tmp_path).run()
    assert not sees(api, token, uid)
    link(api, uid, order_id="ACC-1", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert opens_nothing(api, made)
    (entry,) = listed(api)
    assert (entry["end_reason"], entry["mrn"]) == ("patient_changed", "MRN-1")
    assert sees(api, token_of(api, share(api, uid)), uid)


def test_without_the_worker_nobody_sees_another_patient_either(api: Api, tmp_path: Path) -> None:
    """Opening looks for itself; and what is open covers the study only while it is that patient's."""
    uid = with_images(api)
    made = share(api, uid)
    token = token_of(api, made)
    unlink(api, uid)
    jobs(api, tmp_path).run()
    api.services.grants.refresh()
    caller = api.services.authenticator.authenticate(f"Bearer {token}")
    assert caller.studies == frozenset() and not api.services.sight.shows(caller, uid)
    assert opens_nothing(api, made)


def test_another_order_of_the_same_patient_is_no_reason(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose it is has not changed; and the chore that looks after each commit writes nothing, and keeps nobody from
    writing."""
    uid = with_images(api)
    made = share(api, uid)
    api.place_order("ACC-2", "MRN-1")
    link(api, uid, order_id="ACC-2", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    assert sees(api, token_of(api, made), uid)

    def turn() -> NoReturn:
        raise AssertionError("the writers' turn is taken for nothing")

    monkeypatch.setattr(api.services.database, "write", turn)
    api.services.sharing.fallen.run()


def test_a_link_ends_when_images_leave_the_study(api: Api, tmp_path: Path) -> None:
    """A split says that some were somebody else's; its undoing brings them back."""
    study = mixed(api)
    made = share(api, study.uid)
    token = token_of(api, made)
    done = split(api, study.uid, series=[study.wrong], patient_id="B-1")
    assert not sees(api, token, study.uid)
    jobs(api, tmp_path).run()
    again = share(api, study.uid)
    assert opened(api, again).status_code == 201
    undo = api.call("POST", f"/api/v1/modifications/{done['id']}/undo", "radiologist", json={"reason": "mistaken"})
    assert undo.status_code == 202, undo.json
    assert opens_nothing(api, again)
    assert {each["end_reason"] for each in listed(api)} == {"study_split"}


def test_a_link_ends_when_the_deletion_is_asked_for(api: Api) -> None:
    """And does not come back with the study."""
    uid = with_images(api)
    made = share(api, uid)
    token = token_of(api, made)
    deletion = requested(api, uid)
    assert not api.services.sight.shows(api.services.authenticator.authenticate(f"Bearer {token}"), uid)
    assert not sees(api, token, uid)
    assert listed(api) == [] and share(api, uid, status=404)["code"] == "study_not_found"
    assert decide(api, deletion, "reject").status_code == 200
    assert opens_nothing(api, made)
    assert [each["end_reason"] for each in listed(api)] == ["study_deleted"]


def test_a_study_on_hold_is_not_shared(api: Api) -> None:
    """Neither again, nor still."""
    uid = with_images(api)
    token = token_of(api, share(api, uid))
    path = f"/api/v1/dicom/studies/{uid}/hold"
    assert api.call("POST", path, "radiologist", json={"reason": "court"}).status_code in (200, 201)
    assert not sees(api, token, uid)
    assert share(api, uid, status=409)["code"] == "study_on_hold"
    assert [each["end_reason"] for each in listed(api)] == ["study_held"]


def test_a_study_of_nobody_is_not_shared(api: Api) -> None:
    """Nor one that does not exist, nor nonsense."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    assert share(api, uid, status=409)["code"] == "study_not_certain"
    assert share(api, "1.2.3", status=404)["code"] == "study_not_found"
    for wish in ({"ttl_seconds": 0}, {"ttl_seconds": 91 * DAY}, {"pin": "123"}, {"pin": "12ab"}, {"max_uses": 0}):
        assert share(api, uid, status=422, **wish)["code"] == "invalid_request"


def test_signed_reports_are_read_and_nothing_that_is_not_signed(api: Api) -> None:
    """A draft and a preliminary report are nobody's outside; of an amended one the latest version."""
    uid = with_images(api)
    made = share(api, uid)
    report = written(api)
    assert opened(api, made).json["reports"] == []
    first = act(api, report, "preliminary")
    answer = opened(api, made).json
    path = f"/api/v1/share/reports/{report['id']}/pdf"
    assert answer["reports"] == [] and api.get(path, token=answer["token"]).json["code"] == "report_not_found"
    signed = sign(api, save(api, first))
    (shown,) = opened(api, made).json["reports"]
    assert (shown["report_id"], shown["status"]) == (report["id"], "final")
    pdf = api.get(path, token=answer["token"])
    assert pdf.status_code == 200 and pdf.data.startswith(b"%PDF-") and pdf.content_type == "application/pdf"
    act(api, signed, "amend", kind="amended", reason="typing error")
    assert [each["status"] for each in opened(api, made).json["reports"]] == ["final"]
    assert [facts(event["detail"])["report_id"] for event in said(api, "share.report_read")] == [report["id"]]
    end(api, made)
    assert api.get(path, token=answer["token"]).status_code == 401


def test_files_of_reports_are_none_of_the_series_it_sees(api: Api) -> None:
    """Unsigned ones, replaced ones and those in doubt look as final ones do: all are left out, from before they are
    stored, and none of another study is."""
    uid = with_images(api)
    reports_of = api.services.sharing.report_files.of
    assert reports_of([uid]) == frozenset()
    first = act(api, written(api), "preliminary")
    assert len(reports_of([uid])) == 2 and documents(api) == []
    amended(api, sign(api, save(api, first)))
    shown = {str(one.SeriesInstanceUID) for one in filed(api)}
    assert reports_of([uid]) == shown and len(shown) == 6
    assert reports_of([with_images(api, "ACC-2", "MRN-2")]) == reports_of([]) == frozenset()


def test_reports_of_other_studies_are_not_read(api: Api) -> None:
    """Nor by other tokens."""
    other = with_images(api, "ACC-2", "MRN-2")
    report = sign(api, written(api, study_instance_uid=other))
    made = share(api)
    path = f"/api/v1/share/reports/{report['id']}/pdf"
    assert api.get(path, token=token_of(api, made)).json["code"] == "report_not_found"
    link_token = api.get(f"/api/v1/dicom/viewer-url/{other}", "doctor").json["token"]
    assert api.get(path, token=link_token).json["code"] == "permission_missing"
    assert api.get(path, "radiologist").json["code"] == "permission_missing"
    assert api.get(path).status_code == 401


def test_each_share_and_each_use_is_audited_with_counts(api: Api) -> None:
    """Who, when, how many images, which use: and neither secret nor PIN."""
    made = share(api, pin="471147", max_uses=5)
    for _ in range(2):
        token_of(api, made, "471147")
    (created,) = said(api, "share.created")
    uid, key = made["share"]["study_instance_uid"], made["share"]["id"]
    assert (created["actor"], created["study_instance_uid"]) == ("doctor", uid)
    assert facts(created["detail"]) == {
        "share_id": key, "instances": 1, "seconds": DAY, "max_uses": 5, "has_pin": True,
    }  # fmt: skip
    uses = said(api, "share.opened")
    assert [facts(event["detail"]) for event in uses] == [{"share_id": key, "use": n, "max_uses": 5} for n in (1, 2)]
    assert {event["actor"] for event in uses} == {f"share:{key}"} and uses[0]["address"] == "127.0.0.1"
    whole = str(api.get("/api/v1/audit?limit=500", "admin").json)
    assert secret_of(made) not in whole and "471147" not in whole


def test_the_list_is_narrowed_and_shows_the_latest_first(api: Api) -> None:
    """By study, patient, order, state and time."""
    first, second = share(api), share(api, with_images(api, "ACC-2", "MRN-2"), "radiologist")
    keys = [second["share"]["id"], first["share"]["id"]]
    assert [each["id"] for each in listed(api)] == keys
    uid = first["share"]["study_instance_uid"]
    for query in (f"?study={uid}", "?patient=MRN-1", "?order=ACC-1", "?sort=created_at&limit=1"):
        assert [each["id"] for each in listed(api, query)] == keys[1:], query
    end(api, first)
    assert [each["id"] for each in listed(api, "?state=ended")] == keys[1:]
    assert [each["id"] for each in listed(api, "?state=active")] == keys[:1]
    assert listed(api, "?state=expired") == listed(api, "?state=used_up") == []
    assert listed(api, "?to=2020-01-01T00:00:00Z") == []


def test_its_tokens_are_not_listed_among_viewer_links(api: Api) -> None:
    """They are the share's; and whoever made it cannot be taken for whoever looks."""
    token_of(api, share(api))
    assert api.get("/api/v1/dicom/viewer-token", "doctor").json["items"] == []
    with api.services.database.read() as session:
        row = session.scalars(select(ViewerToken)).one()
    assert row.subject.startswith("share:") and row.operations == ["view"]
