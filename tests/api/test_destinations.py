"""Registering destinations, on both databases: what may be said of one, who may, and which addresses are refused."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.errors import Conflict
from ehr_bridge.services.delivery.secrets import Safe, new_secret
from tests.api.conftest import Api, facts
from tests.api.outbox_steps import HL7, WEBHOOK, deliveries, order, put
from tests.support.authority import Authority

PATH = "/api/v1/destinations/ehr"


def audited(api: Api) -> list[tuple[str, dict[str, Any]]]:
    items = api.get("/api/v1/audit", "admin").json["items"]
    return [(one["action"], facts(one["detail"])) for one in items if one["action"].startswith("destination.")][::-1]


def test_a_destination_is_registered_changed_and_removed(api: Api) -> None:
    made = put(api)
    assert (made.status_code, made.json["policy"], made.json["is_ehr"]) == (201, "skip", False)
    secret = made.json["secret"]
    assert secret.startswith("whsec_") and len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    shown = api.get(PATH, "admin")
    assert shown.json == {name: value for name, value in made.json.items() if name != "secret"}
    assert secret not in shown.text
    again = put(api)
    assert (again.status_code, again.json["secret"], again.json["updated_at"]) == (200, None, shown.json["updated_at"])
    order(api, 1)
    changed = put(api, body=WEBHOOK | {"events": ["study.available"], "policy": "block"})
    assert (changed.json["events"], changed.json["policy"]) == (["study.available"], "block")
    order(api, 2)
    assert len(deliveries(api)) == 1
    assert api.get("/api/v1/destinations", "admin").json["items"] == [api.get(PATH, "admin").json]
    assert api.call("DELETE", PATH, "admin").status_code == 204
    assert api.get(PATH, "admin").json["code"] == "destination_not_found"
    assert api.get(f"{PATH}/deliveries", "admin").json["code"] == "destination_not_found"
    put(api)
    assert deliveries(api) == []
    assert [action for action, _ in audited(api)] == [
        "destination.registered",
        "destination.changed",
        "destination.removed",
        "destination.registered",
    ]
    assert audited(api)[2][1] == {"destination": "ehr", "kind": "webhook", "undelivered": 1}
    assert secret not in str(audited(api))


def test_the_secret_is_in_the_database_for_nobody_to_read(api: Api) -> None:
    secret = put(api).json["secret"]
    row = api.services.outbox.destinations.get("ehr")
    assert row.secret is not None and secret.encode() not in row.secret
    assert api.services.outbox.safe.open(row.id, row.secret) == secret


def test_a_secret_sealed_by_another_server_is_lost_and_says_so(api: Api) -> None:
    """Somebody has set another EHR_BRIDGE_JWT_SECRET."""
    put(api)
    row = api.services.outbox.destinations.get("ehr")
    assert row.secret is not None
    with pytest.raises(Conflict, match="secret_lost"):
        Safe(SharedSecret("another secret of the server")).open(row.id, row.secret)


def test_a_lost_secret_is_made_anew_once(api: Api) -> None:
    """Nobody can sign with the lost one, so it is not kept as the former."""
    put(api)
    with api.services.database.write() as session:
        row = session.get_one(Destination, api.services.outbox.destinations.get("ehr").id)
        row.secret = Safe(SharedSecret("another secret of the server")).close(row.id, new_secret())
    renewed = api.call("POST", f"{PATH}/secret", "admin").json
    row = api.services.outbox.destinations.get("ehr")
    assert (row.former_secret, renewed["former_secret_until"]) == (None, None)
    assert row.secret is not None and api.services.outbox.safe.open(row.id, row.secret) == renewed["secret"]


def test_a_delivery_that_is_not_there_is_not_found(api: Api) -> None:
    for method, path in (("GET", ""), ("POST", "/resend"), ("POST", "/drop")):
        body = {"reason": "no use"} if path == "/drop" else None
        answer = api.call(method, f"/api/v1/deliveries/99{path}", "admin", json=body)
        assert (answer.status_code, answer.json["code"]) == (404, "delivery_not_found")


def test_a_new_secret_leaves_a_day_to_make_the_receiver_know_it(api: Api) -> None:
    former = put(api).json["secret"]
    renewed = api.call("POST", f"{PATH}/secret", "admin")
    row, safe = api.services.outbox.destinations.get("ehr"), api.services.outbox.safe
    assert renewed.json["secret"] != former
    assert row.secret is not None and row.former_secret is not None and row.former_secret_until is not None
    assert (safe.open(row.id, row.secret), safe.open(row.id, row.former_secret)) == (renewed.json["secret"], former)
    left = row.former_secret_until - api.services.clock()
    assert timedelta(hours=23) < left < timedelta(hours=25)
    put(api, "ris", body=HL7)
    refused = api.call("POST", "/api/v1/destinations/ris/secret", "admin")
    assert (refused.status_code, refused.json["code"]) == (409, "no_secret")


def test_nobody_overwrites_what_they_have_not_seen(api: Api) -> None:
    made = put(api, headers={"If-None-Match": "*"})
    seen = made.headers["ETag"]
    assert seen == api.get(PATH, "admin").headers["ETag"]
    assert put(api, headers={"If-Match": seen}, body=WEBHOOK | {"enabled": False}).status_code == 200
    stale = put(api, headers={"If-Match": seen}, body=WEBHOOK)
    assert (stale.status_code, stale.json["code"]) == (412, "version_changed")
    assert api.call("DELETE", PATH, "admin", headers={"If-Match": seen}).status_code == 412


@pytest.mark.parametrize(
    ("host", "networks", "is_allowed"),
    [
        ("127.0.0.1", [], False),
        ("localhost", [], False),
        ("[::1]", [], False),
        ("[::ffff:127.0.0.1]", [], False),
        ("[64:ff9b::7f00:1]", [], False),
        ("2130706433", [], False),
        ("0x7f.1", [], False),
        ("0", [], False),
        ("127.1", [], False),
        ("10.1.2.3", [], False),
        ("192.168.1.5", [], False),
        ("100.64.1.1", [], False),
        ("[fd12::1]", [], False),
        ("8.8.8.8", [], True),
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.2.3", ["10.1.0.0/16"], False),
        ("127.0.0.1", ["127.0.0.0/8"], True),
        ("[::1]", ["::1/128"], True),
        ("169.254.169.254", ["0.0.0.0/0"], False),
        ("[fe80::1]", ["::/0"], False),
        ("[fd00:ec2::254]", ["::/0"], False),
        ("100.100.100.200", ["0.0.0.0/0"], False),
        ("0.0.0.0", ["0.0.0.0/0"], False),
        ("224.0.0.1", ["0.0.0.0/0"], False),
        ("ehr.example.org", [], True),
    ],
)
def test_addresses_inside_are_refused_unless_their_network_is_named(
    api: Api, host: str, networks: list[str], is_allowed: bool
) -> None:
    """Link-local addresses, where clouds keep a machine's secrets, never. A name is judged at each connection."""
    answer = put(api, body=WEBHOOK | {"url": f"https://{host}/events", "allow_networks": networks})
    assert answer.status_code == (201 if is_allowed else 422), answer.json
    if not is_allowed:
        assert [one["field"] for one in answer.json["errors"]] == ["url"]
        assert api.get(PATH, "admin").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (WEBHOOK | {"url": "http://8.8.8.8/"}, "url"),
        (WEBHOOK | {"url": "ftp://ehr.example.org/"}, "url"),
        (WEBHOOK | {"url": "https://user:pw@ehr.example.org/"}, "url"),
        (WEBHOOK | {"url": "https://ehr.example.org:99999/"}, "url"),
        (WEBHOOK | {"url": "https://"}, "url"),
        (WEBHOOK | {"url": ""}, "url"),
        (WEBHOOK | {"host": "ris.example.org"}, "host"),
        (WEBHOOK | {"tls": True}, "tls"),
        (WEBHOOK | {"events": []}, "events"),
        (WEBHOOK | {"events": ["order.vanished"]}, "events"),
        (WEBHOOK | {"allow_networks": ["10.0.0.0/33"]}, "allow_networks"),
        (HL7 | {"url": "https://ris.example.org"}, "url"),
        (HL7 | {"port": ""}, "port"),
        (HL7 | {"events": ["study.available"]}, "events"),
        (HL7 | {"charset": "klingon"}, "charset"),
        (HL7 | {"host": "8.8.8.8", "tls": False}, "host"),
        (HL7 | {"kind": "fhir", "events": ["order.created"]}, "url"),
    ],
)
def test_what_cannot_be_a_destination_is_refused_with_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    answer = put(api, body=body)
    assert answer.status_code == 422, answer.json
    assert field in [one["field"].partition(".")[0] for one in answer.json["errors"]]


def test_an_authority_is_kept_with_its_destination_and_judged_when_it_is_given(api: Api) -> None:
    """Only where it is encrypted; what is no certificate is refused with the reason; leaving it out ends it."""
    pem = Authority().pem.strip()
    assert put(api, body=WEBHOOK | {"ca_certificates": pem}).json["ca_certificates"] == pem
    assert api.get(PATH, "admin").json["ca_certificates"] == pem
    assert audited(api)[-1][1]["fields"].count("ca_certificates") == 1
    inside = {"url": "http://10.1.2.3/", "allow_networks": ["10.0.0.0/8"]}
    for body, why in (
        (WEBHOOK | inside | {"ca_certificates": pem}, "only where it is encrypted"),
        (WEBHOOK | {"ca_certificates": "no certificate"}, "each begins with"),
    ):
        refused = put(api, body=body)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "ca_certificates")
        assert why in refused.json["errors"][0]["message"]
    assert put(api, "ris", body=HL7 | {"ca_certificates": pem}).status_code == 201
    assert put(api).json["ca_certificates"] is None


def test_a_name_keeps_its_kind(api: Api) -> None:
    """What waits for a webhook is nothing for an HL7 receiver."""
    put(api)
    answer = put(api, body=HL7)
    assert (answer.status_code, answer.json["code"]) == (409, "destination_of_another_kind")


def test_a_fhir_servers_token_is_kept_and_never_shown(api: Api) -> None:
    body = {"kind": "fhir", "url": "https://fhir.example.org/r4", "events": ["report.final"], "token": "s3cret-token"}
    made = put(api, body=body)
    assert (made.status_code, made.json["has_secret"], made.json["secret"]) == (201, True, None)
    assert "s3cret-token" not in made.text
    put(api, body={name: value for name, value in body.items() if name != "token"} | {"policy": "skip"})
    row = api.services.outbox.destinations.get("ehr")
    assert row.secret is not None and api.services.outbox.safe.open(row.id, row.secret) == "s3cret-token"


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("https://fhir.example.org:443/r5", True),
        ("https://other.example.org/r4", False),
        ("https://fhir.example.org:8443/r4", False),
        ("http://fhir.example.org/r4", False),
    ],
)
def test_a_token_is_not_sent_to_another_server_than_it_was_given_for(api: Api, url: str, is_same: bool) -> None:
    """Who changes the address and does not know the token gets it nowhere."""
    body = {"kind": "fhir", "url": "https://fhir.example.org/r4", "events": ["report.final"]}
    put(api, body=body | {"token": "s3cret-token"})
    answer = put(api, body=body | {"url": url})
    assert answer.status_code == (200 if is_same else 422), answer.json
    if not is_same:
        assert [one["field"] for one in answer.json["errors"]] == ["token"]
        assert api.get(PATH, "admin").json["url"] == body["url"]
        assert put(api, body=body | {"url": url, "token": "another"}).status_code == 200


@pytest.mark.parametrize("role", ["doctor", "service", "technician", "radiologist"])
def test_only_who_keeps_the_interfaces_may(api: Api, role: str) -> None:
    for method, path in (("GET", PATH), ("PUT", PATH), ("DELETE", PATH), ("GET", f"{PATH}/deliveries")):
        assert api.call(method, path, role, json=WEBHOOK if method == "PUT" else None).status_code == 403
