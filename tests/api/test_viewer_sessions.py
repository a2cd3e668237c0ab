"""Viewer tokens that follow an order or a patient, that are exchanged, renewed, counted and come to an end."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import NotAuthenticated
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.services.viewing.tokens import Minted
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.support.archive import FakeArchive
from tests.support.samples import small
from tests.support.server import SECRET

TOKENS = "/api/v1/dicom/viewer-token"
EXCHANGE = f"{TOKENS}/exchange"


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(database: Database, tmp_path: Path, clock: Clock) -> Api:
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path)
    services, archive = build_services(settings, database, clock), FakeArchive()
    return Api(create_app(services, archive, {}), services, archive)


def stored(api: Api, accession: str = "ACC-1", mrn: str = "MRN-1", **values: Any) -> str:
    order = api.place_order(accession, mrn)
    answer = api.upload(small(**values), headers={"X-Order-Id": order["id"]})
    uid: str = answer.json["studies"][0]["study_instance_uid"]
    return uid


def mint(api: Api, **wish: Any) -> dict[str, Any]:
    answer = api.call("POST", TOKENS, "radiologist", json=wish)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def proved(api: Api, token: str) -> Caller:
    return api.services.authenticator.authenticate(f"Bearer {token}")


def move(api: Api, uid: str, to: str | None) -> None:
    """Link a study to what another study is linked to, or to nobody, as reconciliation does."""
    with api.services.database.write() as session:
        study = session.query(Study).filter_by(study_instance_uid=uid).one()
        other = session.query(Study).filter_by(study_instance_uid=to).one() if to else None
        study.patient_id, study.order_id = (other.patient_id, other.order_id) if other else (None, None)
        study.link_status = LinkStatus.LINKED if other else LinkStatus.UNLINKED
    api.services.grants.refresh()


def test_a_token_for_a_patient_follows_what_is_linked_to_them(api: Api) -> None:
    """A wrong study leaves it, a right one joins it, without a new token."""
    uid, other = stored(api), stored(api, "ACC-2", "MRN-2")
    token = mint(api, patient_id="MRN-1")["token"]
    assert proved(api, token).studies == frozenset({uid})
    move(api, other, uid)
    assert proved(api, token).studies == frozenset({uid, other})
    move(api, uid, None)
    assert proved(api, token).studies == frozenset({other})
    move(api, other, None)
    assert proved(api, token).studies == frozenset()


def test_a_token_for_named_studies_stays_with_them(api: Api) -> None:
    """Whoever asked for this study gets this study."""
    uid, other = stored(api), stored(api, "ACC-2", "MRN-2")
    token = mint(api, study_instance_uids=[uid])["token"]
    move(api, other, uid)
    assert proved(api, token).studies == frozenset({uid})


@pytest.mark.parametrize(
    ("priors", "opened"),
    [
        (None, ["now"]),
        ({"match": "modality"}, ["now", "mr2", "mr1"]),
        ({"match": "modality", "newest": 1}, ["now", "mr2"]),
        ({"match": "patient"}, ["now", "ct", "mr2", "mr1"]),
        ({}, ["now", "mr2", "mr1"]),
        ({"match": "body_part"}, ["now"]),
    ],
)
def test_an_order_opens_the_priors_that_the_policy_names(api: Api, priors: Any, opened: list[str]) -> None:
    """Same patient always; newest first; never another patient's."""
    dates = {"mr1": "20240101", "mr2": "20250101", "ct": "20250601", "now": "20260101"}
    uids = {}
    for number, (name, date) in enumerate(dates.items()):
        values = {"StudyDate": date, "Modality": "CT" if name == "ct" else "MR"}
        uids[name] = stored(api, f"ACC-{number}", "MRN-1", **values)
    stored(api, "ACC-X", "MRN-2", StudyDate="20251231")
    wish = {"order_id": "ACC-3"} | ({} if priors is None else {"priors": priors})
    minted = mint(api, **wish)
    assert minted["studies"] == [uids[name] for name in opened]
    assert proved(api, minted["token"]).studies == frozenset({uids[name] for name in opened})


def test_a_link_with_priors_opens_them_side_by_side(api: Api) -> None:
    """?priors=auto: the newest of the same kind, in OHIF's layout for comparing; in another OHIF too."""
    old = stored(api, "ACC-1", StudyDate="20240101")
    new = stored(api, "ACC-2", StudyDate="20260101")
    link = api.get(f"/api/v1/dicom/viewer-url/{new}?priors=auto", "doctor").json
    assert link["studies"] == [new, old]
    assert f"StudyInstanceUIDs={new},{old}&hangingProtocolId=@ohif/hpCompare&token=" in link["url"]
    alone = api.get(f"/api/v1/dicom/viewer-url/{stored(api, 'ACC-9', 'MRN-9')}?priors=auto", "doctor").json
    assert "hangingProtocolId" not in alone["url"]
    settings = api.services.settings.model_copy(update={"ohif_viewer_url": "https://viewer.example"})
    elsewhere = build_services(settings, api.services.database, api.services.clock)
    minted = Minted("t", uuid.uuid4(), utc_now(), [new, old])
    query = f"StudyInstanceUIDs={new},{old}&hangingProtocolId=@ohif/hpCompare&token=t"
    assert elsewhere.viewer.link(minted) == f"https://viewer.example/viewer?{query}"


def test_a_reader_goes_on_after_the_link_has_ended(api: Api, clock: Clock) -> None:
    """Ten minutes for the link, a quarter of an hour for each token after it, twelve hours in all."""
    uid = stored(api)
    token = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json["token"]
    first = token
    for _ in range(47):
        clock.ahead += timedelta(minutes=9) if token == first else timedelta(minutes=14)
        answer = api.call("POST", EXCHANGE, token=token)
        assert answer.status_code == 201, answer.json
        token = answer.json["token"]
        assert proved(api, token).studies == frozenset({uid})
    with pytest.raises(NotAuthenticated):
        proved(api, first)
    clock.ahead += timedelta(hours=1, minutes=8)
    assert api.call("POST", EXCHANGE, token=token).json["code"] == "token_expired"


def test_a_session_has_an_end_that_no_renewal_moves(api: Api, clock: Clock) -> None:
    """What was made for ten minutes is over after ten minutes."""
    minted = mint(api, study_instance_uids=[stored(api)], ttl_seconds=60, session_seconds=600)
    token = minted["token"]
    clock.ahead += timedelta(seconds=50)
    renewed = api.call("POST", EXCHANGE, token=token).json
    assert renewed["expires_at"] == renewed["renewable_until"]
    clock.ahead += timedelta(seconds=545)
    again = api.call("POST", EXCHANGE, token=renewed["token"]).json
    assert again["expires_at"] <= renewed["renewable_until"]
    clock.ahead += timedelta(seconds=20)
    assert api.call("POST", EXCHANGE, token=again["token"]).status_code == 401


def test_without_a_session_a_token_cannot_outlive_itself(api: Api, clock: Clock) -> None:
    """ttl_seconds means that."""
    minted = mint(api, study_instance_uids=[stored(api)], ttl_seconds=60)
    renewed = api.call("POST", EXCHANGE, token=minted["token"]).json
    assert renewed["expires_at"] == minted["expires_at"]
    clock.ahead += timedelta(seconds=66)
    for token in (minted["token"], renewed["token"]):
        with pytest.raises(NotAuthenticated):
            proved(api, token)


def test_a_link_for_one_use_opens_nothing_itself_and_once_what_it_is_for(api: Api) -> None:
    """Found in a browser's history it is worth nothing."""
    uid = stored(api)
    minted = mint(api, study_instance_uids=[uid], max_uses=1)
    assert not proved(api, minted["token"]).may(Permission.VIEW, uid)
    renewed = api.call("POST", EXCHANGE, token=minted["token"]).json
    assert proved(api, renewed["token"]).may(Permission.VIEW, uid)
    second = api.call("POST", EXCHANGE, token=minted["token"])
    assert (second.status_code, second.json["code"]) == (403, "token_used_up")
    assert api.call("POST", EXCHANGE, token=renewed["token"]).status_code == 201
    entry = api.get(TOKENS, "radiologist").json["items"][0]
    assert (entry["max_uses"], entry["uses"]) == (1, 1)
    assert entry["last_used_at"] is not None


def test_a_token_for_later_opens_nothing_yet(api: Api, clock: Clock) -> None:
    """not_before; its time to live begins then."""
    begins = (clock() + timedelta(hours=1)).isoformat()
    uid = stored(api)
    token = mint(api, study_instance_uids=[uid], not_before=begins, ttl_seconds=600)["token"]
    with pytest.raises(NotAuthenticated):
        proved(api, token)
    clock.ahead += timedelta(minutes=65)
    assert proved(api, token).may(Permission.VIEW, uid)
    clock.ahead += timedelta(minutes=6)
    with pytest.raises(NotAuthenticated):
        proved(api, token)


def test_taking_a_token_back_ends_every_token_that_came_from_it(api: Api) -> None:
    """The link, its session, and further renewals; here and on another node."""
    minted = mint(api, study_instance_uids=[stored(api)], session_seconds=3600)
    renewed = api.call("POST", EXCHANGE, token=minted["token"]).json["token"]
    elsewhere = build_services(api.services.settings, api.services.database, api.services.clock)
    assert elsewhere.authenticator.authenticate(f"Bearer {renewed}").is_bound
    assert api.call("DELETE", f"{TOKENS}/{minted['token_id']}", "radiologist").status_code == 204
    elsewhere.revocations.refresh()
    for services in (api.services, elsewhere):
        for token in (minted["token"], renewed):
            with pytest.raises(NotAuthenticated):
                services.authenticator.authenticate(f"Bearer {token}")
    assert api.call("POST", EXCHANGE, token=renewed).status_code == 401


def test_a_token_that_was_taken_back_does_not_come_to_life_at_its_end(api: Api, clock: Clock) -> None:
    """The list of what was taken back outlasts the leeway that a token is still taken with after its end."""
    minted = mint(api, study_instance_uids=[stored(api)], ttl_seconds=600)
    assert proved(api, minted["token"]).is_bound
    assert api.call("DELETE", f"{TOKENS}/{minted['token_id']}", "radiologist").status_code == 204
    clock.ahead += timedelta(seconds=602)
    api.services.revocations.refresh()
    with pytest.raises(NotAuthenticated) as refused:
        proved(api, minted["token"])
    assert refused.value.code == "token_revoked"


def test_who_opens_studies_hears_of_which_it_is_in_doubt_whose_they_are(api: Api) -> None:
    """At the exchange, which every viewer begins with; of no others than those it opens."""
    uid, other, strange = stored(api), stored(api, "ACC-2", "MRN-2"), stored(api, "ACC-3", "MRN-3")
    token = mint(api, study_instance_uids=[uid, other])["token"]
    assert api.call("POST", EXCHANGE, token=token).json["in_doubt"] == []
    with api.services.database.write() as session:
        for doubted in (other, strange):
            session.query(Study).filter_by(study_instance_uid=doubted).one().link_status = LinkStatus.AMBIGUOUS
    answer = api.call("POST", EXCHANGE, token=token).json
    assert (answer["in_doubt"], answer["studies"]) == ([other], sorted([uid, other]))


def test_only_a_viewer_token_can_be_exchanged(api: Api) -> None:
    """And it gets no operation it did not have."""
    uid = stored(api)
    assert api.call("POST", EXCHANGE, "doctor").status_code == 403
    assert api.call("POST", EXCHANGE).status_code == 401
    token = mint(api, study_instance_uids=[uid], operations=["annotate"])["token"]
    renewed = api.call("POST", EXCHANGE, token=token).json
    assert renewed["operations"] == ["annotate"]
    assert not proved(api, renewed["token"]).may(Permission.VIEW, uid)


def test_a_token_for_a_patient_with_many_studies_is_no_longer_than_any_other(api: Api) -> None:
    """The server cuts headers off at 16 KiB; a patient may have hundreds of studies."""
    stored(api)
    with api.services.database.write() as session:
        study = session.query(Study).one()
        names = [c.key for c in Study.__table__.columns if c.key not in {"id", "study_instance_uid"}]
        for number in range(300):
            copy = {name: getattr(study, name) for name in names}
            session.add(Study(study_instance_uid=f"2.25.{number}", **copy))
    minted = mint(api, patient_id="MRN-1")
    assert len(minted["studies"]) == 301 and len(minted["token"]) < 1000
    assert len(proved(api, minted["token"]).studies or ()) == 301


@pytest.mark.parametrize(
    "wish",
    [
        {"patient_id": "MRN-1", "priors": {}},
        {"study_instance_uids": ["1.2"], "priors": {}},
        {"order_id": "ACC-1", "priors": {"match": "all"}},
        {"order_id": "ACC-1", "priors": {"newest": 0}},
        {"order_id": "ACC-1", "max_uses": 0},
        {"order_id": "ACC-1", "session_seconds": 10**6},
        {"order_id": "ACC-1", "not_before": "tomorrow"},
        {"order_id": "ACC-1", "not_before": "2999-01-01T00:00:00Z"},
        {"order_id": "ACC-1", "not_before": "9999-12-31T23:59:59Z"},
        {"order_id": "ACC-1", "not_before": "9999-12-31T23:59:59-12:00"},
        {"order_id": "ACC-1", "not_before": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_wishes_that_make_no_sense_are_refused(api: Api, wish: dict[str, Any]) -> None:
    """422, nothing made."""
    stored(api)
    assert api.call("POST", TOKENS, "radiologist", json=wish).status_code == 422
    assert api.get(TOKENS, "radiologist").json["total"] == 0
