"""docker-compose.yml: accepted by compose with the secrets, refused without; no password is written in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.samples import ROOT

SECRETS = {"POSTGRES_PASSWORD": "p" * 24, "EHR_BRIDGE_JWT_SECRET": "s" * 48}

OF_AN_ADMINISTRATOR = """
EHR_BRIDGE_NODE EHR_BRIDGE_DRAIN_SECONDS EHR_BRIDGE_METRICS_FROM EHR_BRIDGE_JWT_SECRET_FORMER EHR_BRIDGE_SHARED_DIR
DICOM_BACKUP_ENABLED DICOM_BACKUP_PATH EHR_BRIDGE_BACKUP_AT EHR_BRIDGE_BACKUP_PASSWORD EHR_BRIDGE_STORAGE_URL
EHR_BRIDGE_STORAGE_PLAIN_HTTP EHR_BRIDGE_STORAGE_RESERVE_MB EHR_BRIDGE_STORAGE_COMPRESSION EHR_BRIDGE_STORAGE_MD5
AWS_SESSION_TOKEN AWS_CA_BUNDLE
"""


def config(**secrets: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k not in SECRETS} | secrets
    command = ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--format", "json"]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def services(**more: str) -> dict[str, Any]:
    result = config(**SECRETS, **more)
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout)["services"])


def test_with_the_secrets_every_service_has_a_health_check_and_keeps_its_data() -> None:
    """Four services; the database and the images live in named volumes."""
    found = services()
    assert set(found) == {"orthanc", "postgres", "ohif", "proxy"}
    for name in ("orthanc", "postgres"):
        assert any(volume["type"] == "volume" for volume in found[name]["volumes"]), name
    assert all("healthcheck" in service for name, service in found.items() if name in {"postgres", "proxy"})
    assert not found["postgres"].get("ports")


def test_one_variable_adds_a_second_node() -> None:
    """With the same databases, secret and images; with a name, a data directory and a DICOM port of its own."""
    found = services(COMPOSE_PROFILES="second-node")
    one, other = found["orthanc"], found["orthanc-b"]
    assert {name for name in one if one[name] != other[name]} == {"environment", "volumes", "ports", "depends_on"}
    assert other["environment"] == one["environment"] | {"EHR_BRIDGE_NODE": "b"}
    of = {at["target"]: (at["source"], two["source"]) for at, two in zip(one["volumes"], other["volumes"], strict=True)}
    assert of == {"/var/lib/ehr-bridge": ("data", "data-b"), "/var/lib/ehr-bridge/images": ("images", "images")}
    assert [port["published"] for port in one["ports"] + other["ports"]] == ["4242", "4243"]


@pytest.mark.parametrize("profiles", ["", "second-node"])
def test_the_proxy_reads_from_both_nodes_and_writes_to_one(profiles: str, tmp_path: Path) -> None:
    """Debian's nginx reads what the proxy's container would make of its files."""
    found = json.loads(config(**SECRETS, COMPOSE_PROFILES=profiles).stdout)
    (tmp_path / "tls").mkdir()

    def here(text: str) -> str:
        places = {"/etc/nginx/tls": "tls", "/etc/nginx/nodes.conf": "nodes.conf", "/etc/nginx/proxy.conf": "proxy.conf"}
        for place, name in (places | {"/run/nginx.pid": "nginx.pid"}).items():
            text = text.replace(place, str(tmp_path / name))
        for host, address in {"orthanc-b:": "127.0.0.2:", "orthanc:": "127.0.0.1:", "ohif:": "127.0.0.1:"}.items():
            text = text.replace(host + "80", address + "80")
        return text.replace("$$", "$")

    (tmp_path / "proxy.conf").write_text(here(found["configs"]["proxy"]["content"]))
    script = here(found["services"]["proxy"]["entrypoint"][-1]).replace("=orthanc-b ", "=127.0.0.2 ")
    environ = os.environ | found["services"]["proxy"]["environment"]
    command = ["sh", "-ec", script.replace("exec nginx", "exec nginx -t")]
    tried = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    readers, writers, fhir = (tmp_path / "nodes.conf").read_text().splitlines()
    assert ("127.0.0.2:8042;" in readers) is bool(profiles)
    assert ("127.0.0.2:8042 backup;" in writers, "127.0.0.2:8043 backup;" in fhir) == (bool(profiles),) * 2


@pytest.mark.parametrize("missing", SECRETS)
def test_without_a_secret_nothing_starts(missing: str) -> None:
    """No default passwords."""
    result = config(**{name: value for name, value in SECRETS.items() if name != missing})
    assert result.returncode != 0
    assert missing in result.stderr


def test_what_ends_after_an_orthanc_that_died_is_reaped() -> None:
    """The process that takes HL7 messages ends a moment after Orthanc, and then belongs to the first process."""
    assert services()["orthanc"]["init"] is True


@pytest.mark.parametrize("name", OF_AN_ADMINISTRATOR.split())
def test_what_an_administrator_sets_reaches_the_server(name: str) -> None:
    """In .env it would do nothing otherwise, and nobody would be told."""
    text = (ROOT / "docker-compose.yml").read_text().partition("  postgres:\n")[0]
    assert re.search(rf"^      {name}:", text, re.MULTILINE)


def test_one_variable_says_who_may_frame_the_pages_for_the_server_and_the_proxy() -> None:
    """Both send a policy, and a browser holds to both; embedding.md says that there is one setting."""
    listed = "https://ehr.example https://b.example"
    result = config(**SECRETS, EHR_BRIDGE_FRAME_ANCESTORS=listed)
    found = json.loads(result.stdout)
    assert found["services"]["orthanc"]["environment"]["EHR_BRIDGE_FRAME_ANCESTORS"] == listed
    proxy = json.dumps(found["configs"])
    assert f"frame-ancestors 'self' {listed}" in proxy
