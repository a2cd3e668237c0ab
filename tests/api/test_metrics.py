"""What Prometheus reads: who may, that it counts what happens, and that no patient is in it."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.api.metrics.gauges import Gauges, Known
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import MessageState
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.anchors import Head
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services
from ehr_bridge.services.uploads.arrivals import Door
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.metric_steps import METRICS, numbers, read
from tests.support.archive import FakeArchive
from tests.support.samples import small
from tests.support.server import SECRET


@pytest.fixture
def scraped(database: Database, tmp_path: Path) -> Api:
    """An API that 10.1.0.0/16 may read the metrics of."""
    settings = Settings(
        jwt_secret=SecretStr(SECRET), data_dir=tmp_path, metrics_from=(ip_network("10.1.0.0/16"), ip_network("::1"))
    )
    services, archive = build_services(settings, database), FakeArchive()
    return Api(create_app(services, archive, {"database": lambda: True, "gate": lambda: 1 / 0 > 0}), services, archive)


def test_a_monitor_reads_them_with_a_key_that_may_nothing_else(api: Api) -> None:
    """A key in a file of the monitoring system opens no list and no image."""
    key = api.services.service_keys.create("prometheus", ["monitor"], Origin("test")).key
    assert api.get(METRICS, token=key).status_code == 200
    assert api.get("/api/v1/system", token=key).status_code == 403
    assert api.get("/api/v1/patients", token=key).status_code == 403
    assert api.get(METRICS, "admin").status_code == 200
    assert api.get(METRICS, "radiologist").json["code"] == "permission_missing"
    assert api.get(METRICS).status_code == 401


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("10.1.2.3", {}, 200),
        ("::ffff:10.1.2.3", {}, 200),
        ("::1", {}, 200),
        ("10.2.0.1", {}, 401),
        ("", {}, 401),
        ("10.1.2.3", {"X-Forwarded-For": "203.0.113.7"}, 401),
        ("10.1.2.3", {"Forwarded": "for=203.0.113.7"}, 401),
        ("10.1.2.3", {"X-Forwarded-Proto": "https"}, 401),
        ("10.1.2.3", {"X-Forwarded-Host": "pacs.example.org"}, 401),
    ],
)
def test_listed_addresses_need_no_token_and_whoever_comes_by_a_proxy_does(
    scraped: Api, address: str, headers: dict[str, str], status: int
) -> None:
    """The proxy's address says nothing of who asks."""
    asked: dict[str, Any] = {"headers": headers, "environ_base": {"REMOTE_ADDR": address}}
    assert scraped.get(METRICS, **asked).status_code == status
    assert scraped.get("/api/v1/system", **asked).status_code == 401


def test_it_counts_what_comes_and_names_nobody(api: Api) -> None:
    """An order, its image twice, and something that is no image."""
    before = read(api)
    order = api.place_order()
    image = small(PatientID="MRN-1", AccessionNumber="ACC-1", PatientName="Lindqvist^Åsa", PatientBirthDate="19610314")
    uploaded = api.upload(image).json
    api.upload(image)
    assert api.upload(b"no image").status_code == 422
    assert api.get("/api/v1/patients/MRN-1", "nurse").status_code == 200
    assert api.get("/api/v1/patients/MRN-2", "nurse").status_code == 404
    assert api.get("/api/v1/nothing/MRN-1", "nurse").status_code == 404

    after = read(api)

    def grown(name: str, *labels: str) -> float:
        return after.get((name, labels), 0) - before.get((name, labels), 0)

    assert [grown("ehr_bridge_instances_total", "upload", one) for one in ("stored", "duplicate", "refused")] == [1] * 3
    assert grown("ehr_bridge_matches_total", "exact", "yes") == 1
    assert grown("ehr_bridge_events_total", "study.linked") == 1
    patient = "GET", "/api/v1/patients/{patient}"
    assert (
        grown("ehr_bridge_requests_total", *patient, "2xx") == grown("ehr_bridge_requests_total", *patient, "4xx") == 1
    )
    assert grown("ehr_bridge_requests_total", "GET", "unknown", "4xx") == 1
    assert grown("ehr_bridge_requests_total", "POST", "/api/v1/dicom/upload", "2xx") == 2
    assert grown("ehr_bridge_request_seconds_count", "POST", "/api/v1/dicom/upload") == 3
    (study,) = uploaded["studies"]
    texts = " ".join(" ".join((name, *labels)) for name, labels in after)  # seconds have any four digits
    for secret in ("MRN-1", "ACC-1", "Lindqvist", "Åsa", "1961", order["patient_id"], study["study_instance_uid"]):
        assert secret not in texts


def test_what_could_be_counted_is_there_before_it_has_happened() -> None:
    """A first burst of files that failed is an increase only if the series was there with 0 before."""
    code = "from ehr_bridge.meters import REGISTRY; from prometheus_client import generate_latest as made"
    code += "; import sys; sys.stdout.write(made(REGISTRY).decode())"
    fresh = numbers(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    for door in Door:
        for outcome in ("failed", "not_judged", "stored", "refused"):
            assert fresh["ehr_bridge_instances_total", (door.value, outcome)] == 0
    for state in MessageState:
        assert fresh["ehr_bridge_hl7_messages_total", (state.value,)] == 0


def test_what_waits_is_there_with_its_age(api: Api) -> None:
    """A study of nobody waits for a person; nothing else does."""
    api.upload(small())
    state = read(api)
    assert state["ehr_bridge_studies_waiting", ("unlinked",)] == 1
    assert state["ehr_bridge_studies_waiting_oldest_seconds", ("unlinked",)] > 0
    assert state["ehr_bridge_studies_waiting", ("ambiguous",)] == 0
    assert state["ehr_bridge_studies_waiting_oldest_seconds", ("ambiguous",)] == 0
    assert state["ehr_bridge_deliveries_waiting", ("webhook",)] == 0
    assert state["ehr_bridge_attention", ("quarantined",)] == 0
    assert state["ehr_bridge_audit_whole", ()] == 1


def test_however_many_ask_the_database_is_asked_once_in_five_seconds(api: Api) -> None:
    """A monitor that asks every second must not load the database."""
    clock = [100.0]
    known = Known(api.services, api.archive, {}, lambda: 0, "1.12.7")
    gauges = Gauges(known, lambda: clock[0])
    first = gauges.collect()
    assert gauges.collect() is first
    clock[0] += 5
    assert gauges.collect() is not first


def test_while_the_database_is_away_the_rest_is_told(scraped: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor must hear just then that something is wrong, and what."""

    def away(*_: object) -> None:
        raise Unavailable("database_unavailable", "away")

    monkeypatch.setattr(scraped.services.system, "look", away, raising=True)
    state = read(scraped)
    assert state["ehr_bridge_check", ("gate",)] == 0
    assert state["ehr_bridge_check", ("database",)] == 1
    assert ("ehr_bridge_studies_waiting", ("unlinked",)) not in state


@pytest.mark.parametrize("when", ["running", "restarted"])
def test_a_trail_that_was_cut_off_is_noticed_and_stays_so(api: Api, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next anchor, of what was left and what came after, does not make it whole; nor does a restart in between."""
    api.place_order()
    services = api.services
    assert services.anchors.write()
    assert read(api)["ehr_bridge_audit_whole", ()] == 1
    with monkeypatch.context() as before:  # the events up to this one are cut off when this is over
        before.setattr(services.anchors, "head", lambda: Head(99, "0" * 64))
        assert services.anchors.write()
    if when == "restarted":
        services = build_services(services.settings, services.database)
    api = Api(create_app(services, api.archive, {}), services, api.archive)
    api.place_order("ACC-2", "MRN-2")
    services.anchors.write()
    assert not services.anchors.is_kept()
    assert read(api)["ehr_bridge_audit_whole", ()] == 0
    api.place_order("ACC-3", "MRN-3")
    services.anchors.write()
    assert not services.anchors.is_kept()
