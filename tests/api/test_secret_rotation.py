"""The secret is rotated on two nodes, one after the other, and nobody is signed out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit import verify
from ehr_bridge.services.audit.anchors import AnchorFileError, read_anchors
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.delivery.sealing_again import seal_again, sealed_before
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.support.archive import FakeArchive
from tests.support.samples import small
from tests.support.server import SECRET, user_token

NEW = "the secret of the next year, which is long enough"
ARCHIVE = FakeArchive()


def node(database: Database, folder: Path, secret: str, other: str | None = None) -> Api:
    """A node that was started with these secrets; all of them have one database and one archive."""
    settings = Settings(
        jwt_secret=SecretStr(secret),
        jwt_secret_former=None if other is None else SecretStr(other),
        data_dir=folder,
        max_dicom_file_size_mb=1,
    )
    services = build_services(settings, database)
    return Api(create_app(services, ARCHIVE, {"database": lambda: True}), services, ARCHIVE)


def whoami(api: Api, token: str) -> int:
    return api.get("/api/v1/auth/me", token=token).status_code


def test_tokens_of_both_secrets_are_good_on_every_node_while_one_is_rotated(database: Database, tmp_path: Path) -> None:
    """First every node accepts the new one, then one after the other signs with it, then the former one goes."""
    before = node(database, tmp_path, SECRET)
    first = node(database, tmp_path, SECRET, other=NEW)
    second = node(database, tmp_path, NEW, other=SECRET)
    after = node(database, tmp_path, NEW)
    old, new = user_token("doctor"), user_token("doctor", secret=NEW)
    assert [whoami(api, old) for api in (before, first, second, after)] == [200, 200, 200, 401]
    assert [whoami(api, new) for api in (before, first, second, after)] == [401, 200, 200, 200]
    assert [whoami(api, user_token("doctor", secret="x" * 40)) for api in (first, second)] == [401, 401]


def test_links_to_studies_and_cursors_outlive_the_change(database: Database, tmp_path: Path) -> None:
    """What one node has signed or sealed, the other opens, whichever of the two secrets it signs with."""
    first, second = node(database, tmp_path, SECRET, other=NEW), node(database, tmp_path, NEW, other=SECRET)
    uid = first.upload(small()).json["studies"][0]["study_instance_uid"]
    first.services.recorder.settle()
    first.upload(small())
    for maker, other, secret in ((first, second, SECRET), (second, first, NEW)):
        made = maker.call(
            "POST",
            "/api/v1/dicom/viewer-token",
            token=user_token("doctor", secret=secret),
            json={"study_instance_uids": [uid]},
            headers={"Idempotency-Key": secret[:8].replace(" ", "-")},
        )
        assert made.status_code == 201, made.json
        caller = other.services.authenticator.authenticate(f"Bearer {made.json['token']}")
        assert uid in (caller.studies or ())
        again = other.call(
            "POST",
            "/api/v1/dicom/viewer-token",
            token=user_token("doctor"),
            json={"study_instance_uids": [uid]},
            headers={"Idempotency-Key": secret[:8].replace(" ", "-")},
        )
        assert again.json["token"] == made.json["token"]
        page = maker.get("/api/v1/dicom/studies?limit=1", token=user_token("doctor")).json
        rest = other.get(f"/api/v1/dicom/studies?limit=1&cursor={page['next']}", token=user_token("doctor"))
        assert rest.status_code == 200 and len(rest.json["items"]) == 1


def test_secrets_of_destinations_are_sealed_again(database: Database, tmp_path: Path) -> None:
    """When the former secret is gone, everything can be read; a node that has not changed yet reads it as well."""
    body = {"kind": "webhook", "url": "https://ehr.example.org/in", "events": ["study.linked"]}
    first, second = node(database, tmp_path, SECRET, other=NEW), node(database, tmp_path, NEW, other=SECRET)
    for api, name in ((first, "ehr"), (second, "crm")):
        answer = api.call("PUT", f"/api/v1/destinations/{name}", token=user_token("admin"), json=body)
        assert answer.status_code == 201, answer.json
    first.call("POST", "/api/v1/destinations/ehr/secret", token=user_token("admin"))
    safe = second.services.outbox.safe
    assert sealed_before(database, safe) == ["ehr"]
    assert seal_again(database, safe) == 1 and seal_again(database, safe) == 0
    after = node(database, tmp_path, NEW)
    for name in ("ehr", "crm"):
        row = after.services.outbox.destinations.get(name)
        for sealed in filter(None, (row.secret, row.former_secret)):
            text = after.services.outbox.safe.open(row.id, sealed)
            assert first.services.outbox.safe.open(row.id, sealed) == text
            with pytest.raises(Conflict, match="secret_lost"):
                node(database, tmp_path, SECRET).services.outbox.safe.open(row.id, sealed)


def test_anchors_of_the_audit_trail_are_signed_again(database: Database, tmp_path: Path) -> None:
    """Else the trail would count as altered as soon as the former secret is gone. One that is altered stays so."""
    before = node(database, tmp_path, SECRET)
    before.place_order("ACC-1")
    before.services.anchors.write()
    before.place_order("ACC-2")
    before.services.anchors.write()
    path = before.services.anchors.path
    during = node(database, tmp_path, NEW, other=SECRET)
    assert len(list(read_anchors(path, during.services.anchors.keys))) == 2
    during.call("PUT", "/api/v1/patients/MRN-9", token=user_token("service"), json=PERSON)
    during.services.anchors.write()
    after = node(database, tmp_path, NEW)
    anchors = list(read_anchors(path, after.services.anchors.keys))
    with database.read() as session:
        verdict = verify(session, iter(anchors))
    assert (verdict.ok, verdict.anchors, len(anchors)) == (True, 3, 3)
    lines = path.read_text().splitlines()
    said = json.loads(lines[1])
    said[1] += 1
    path.write_text("\n".join([lines[0], json.dumps(said), lines[2]]) + "\n")
    node(database, tmp_path, SECRET, other=NEW).services.anchors.write()
    with pytest.raises(AnchorFileError):
        list(read_anchors(path, after.services.anchors.keys))


PERSON: dict[str, Any] = {"family_name": "Berg", "given_name": "Nils", "birth_date": "1961-03-14", "sex": "male"}
