"""docker-compose.yml: accepted by compose with the secrets, refused without; no password is written in it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.samples import ROOT
from tests.support.steps import eventually

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
    assert of.pop("/var/lib/ehr-bridge") == ("data", "data-b")
    assert of == {"/var/lib/ehr-bridge/images": ("images", "images"), "/etc/ehr-bridge": ("site", "site")}
    assert [port["published"] for port in one["ports"] + other["ports"]] == ["4242", "4243"]


def proxy(folder: Path, **variables: str) -> tuple[str, dict[str, str]]:
    """What the proxy's container runs, with its files in a folder and a resolver that reads `hosts` there; and its
    environment. Nothing is waited for there."""
    found = json.loads(config(**SECRETS, **variables).stdout)
    for name in ("tls", "bin"):
        (folder / name).mkdir()
    (folder / "hosts").write_text("orthanc 127.0.0.1\northanc-b 127.0.0.2\nohif 127.0.0.3\n")
    getent = folder / "bin" / "getent"
    getent.write_text(f'#!/bin/sh\nsed -n "s/^$2 \\(.*\\)/\\1 STREAM/p" {folder}/hosts | grep .\n')
    getent.chmod(0o755)

    def here(text: str) -> str:
        names = ("tls", "nodes.conf", "nodes.new", "proxy.conf")
        for place, name in [(f"/etc/nginx/{name}", name) for name in names] + [("/run/nginx.pid", "nginx.pid")]:
            text = text.replace(place, str(folder / name))
        return text.replace("$$", "$").replace("sleep 5", "sleep 0.05")

    (folder / "proxy.conf").write_text(here(found["configs"]["proxy"]["content"]))
    environ = os.environ | found["services"]["proxy"]["environment"]
    environ["PATH"] = f"{folder / 'bin'}:{environ['PATH']}"
    return here(found["services"]["proxy"]["entrypoint"][-1]), environ


@pytest.mark.parametrize("profiles", ["", "second-node"])
def test_the_proxy_reads_from_both_nodes_and_writes_to_one(profiles: str, tmp_path: Path) -> None:
    """Debian's nginx reads what the proxy's container would make of its files."""
    script, environ = proxy(tmp_path, COMPOSE_PROFILES=profiles)
    once = script.replace("while sleep", "while false && sleep").replace("exec nginx", "exec nginx -t")
    tried = subprocess.run(["sh", "-ec", once], env=environ, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    readers, writers, fhir, viewer = (tmp_path / "nodes.conf").read_text().splitlines()
    assert ("127.0.0.2:8042;" in readers) is bool(profiles)
    assert ("127.0.0.2:8042 backup;" in writers, "127.0.0.2:8043 backup;" in fhir) == (bool(profiles),) * 2
    assert "127.0.0.3:8080;" in viewer


def test_the_proxy_follows_a_server_to_another_address_and_starts_without_one(tmp_path: Path) -> None:
    """A container that was started again may have another address. One that was never there has none, and what nobody
    can tell for a moment stays as it was. A reload that fails is tried again."""
    script, environ = proxy(tmp_path, COMPOSE_PROFILES="second-node")
    nodes, reloaded = tmp_path / "nodes.conf", tmp_path / "reloaded"

    def resolve(*hosts: str) -> None:
        (tmp_path / "hosts.new").write_text("".join(f"{host}\n" for host in hosts))
        (tmp_path / "hosts.new").rename(tmp_path / "hosts")

    def reloads(*parts: str) -> bool:
        return reloaded.exists() and all(part in reloaded.read_text() for part in parts)

    resolve("orthanc 127.0.0.1")
    nginx = tmp_path / "bin" / "nginx"
    nginx.write_text(
        f'#!/bin/sh\ncase "$*" in *reload*) ;; *) exec cat ;; esac\n'
        f"mkdir {tmp_path}/failed && exit 1\ncat {nodes} >> {reloaded}\n"
    )
    nginx.chmod(0o755)
    with subprocess.Popen(["sh", "-ec", script], env=environ, stdin=subprocess.PIPE, start_new_session=True) as runs:
        try:
            eventually(nodes.exists)
            assert "127.0.0.1:8042; server 127.0.0.1:8042;" in nodes.read_text()
            assert "viewer 64k; server 127.0.0.1:1; }" in nodes.read_text()  # not the proxy's own port, for ever
            resolve("orthanc 127.0.0.9", "orthanc-b 127.0.0.2", "ohif 127.0.0.3")
            eventually(lambda: reloads("server 127.0.0.9:8042; server 127.0.0.2:8042;", "server 127.0.0.3:8080;"))
            resolve("orthanc 127.0.0.8")
            eventually(lambda: reloads("server 127.0.0.8:8042; server 127.0.0.2:8042;"))
            assert "server 127.0.0.3:8080;" in nodes.read_text()
        finally:
            os.killpg(runs.pid, signal.SIGTERM)


def test_the_files_of_the_site_reach_both_servers(tmp_path: Path) -> None:
    """One folder with roles, rules and certificates: two servers that judge by different ones are no archive."""
    found = services(COMPOSE_PROFILES="second-node", SITE_FILES=str(tmp_path))
    for name in ("orthanc", "orthanc-b"):
        (site,) = [each for each in found[name]["volumes"] if each["target"] == "/etc/ehr-bridge"]
        assert (site["source"], site["read_only"]) == (str(tmp_path), True)


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
