"""docker-compose.yml: accepted by compose with the secrets, refused without; no password is written in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest

from tests.support.samples import ROOT

SECRETS = {"POSTGRES_PASSWORD": "p" * 24, "EHR_BRIDGE_JWT_SECRET": "s" * 48}

OF_AN_ADMINISTRATOR = """
EHR_BRIDGE_NODE EHR_BRIDGE_DRAIN_SECONDS EHR_BRIDGE_METRICS_FROM EHR_BRIDGE_JWT_SECRET_FORMER EHR_BRIDGE_SHARED_DIR
DICOM_BACKUP_ENABLED DICOM_BACKUP_PATH EHR_BRIDGE_BACKUP_AT EHR_BRIDGE_BACKUP_PASSWORD EHR_BRIDGE_STORAGE_URL
EHR_BRIDGE_STORAGE_PLAIN_HTTP EHR_BRIDGE_STORAGE_RESERVE_MB EHR_BRIDGE_STORAGE_COMPRESSION
AWS_SESSION_TOKEN AWS_CA_BUNDLE
"""


def config(**secrets: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k not in SECRETS} | secrets
    command = ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--format", "json"]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def services() -> dict[str, Any]:
    result = config(**SECRETS)
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
