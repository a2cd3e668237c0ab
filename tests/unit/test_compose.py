"""docker-compose.yml: accepted by compose with the secrets, refused without; no password is written in it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.support.samples import ROOT

SECRETS = {"POSTGRES_PASSWORD": "p" * 24, "EHR_BRIDGE_JWT_SECRET": "s" * 48}


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


def test_one_variable_says_who_may_frame_the_pages_for_the_server_and_the_proxy() -> None:
    """Both send a policy, and a browser holds to both; embedding.md says that there is one setting."""
    listed = "https://ehr.example https://b.example"
    result = config(**SECRETS, EHR_BRIDGE_FRAME_ANCESTORS=listed)
    found = json.loads(result.stdout)
    assert found["services"]["orthanc"]["environment"]["EHR_BRIDGE_FRAME_ANCESTORS"] == listed
    proxy = json.dumps(found["configs"])
    assert f"frame-ancestors 'self' {listed}" in proxy
