"""What the running server says of itself to `ehr-bridge doctor`: health, readiness, and what its monitor reads."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

import click
from prometheus_client.parser import text_string_to_metric_families

from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.services.nodes.readiness import WRONG
from ehr_bridge.services.system.state import ADVICE
from ehr_bridge.settings import Settings
from plugin.commands.doctor.findings import Finding
from plugin.commands.installation import token_rules, with_secret

ATTENTION = "ehr_bridge_attention"
SECONDS = 5
"""For an answer."""
NOT_KNOWN = Finding("attention", "not known: the server does not say")
CURES = {
    "schema": "upgrade this node: a newer version has migrated the database",
    "storage": "mount the folder of the images, and let the server's user write there",
    "name": "set EHR_BRIDGE_NODE to a name of its own for each node",
}
"""For what makes a node not ready, where its log is not the place to look."""
DRAINING = ["draining"]
RUNS = "runs"


def look_at_server(settings: Settings) -> list[Finding]:
    """Its health, whether it is ready, and what needs attention; the last two of a server of ours that answers."""
    health = look_at_health(settings)
    if health.state.startswith(RUNS):
        return [health, *look_at_readiness(settings), *look_at_attention(settings)]
    return [health]


def look_at_health(settings: Settings) -> Finding:
    """The health route; if no server answers, whether its ports are free."""
    try:
        with _ask(settings, "health") as response:
            health = json.load(response)
            checks: dict[str, str] = health["checks"]
    except (OSError, ValueError, KeyError, TypeError):
        ports = {"EHR_BRIDGE_HTTP_PORT": settings.http_port, "EHR_BRIDGE_DICOM_PORT": settings.dicom_port}
        for variable, port in ports.items():
            if _answers(port):
                return Finding("server", f"something else answers at port {port}", f"stop it, or set {variable}")
        return Finding("server", "does not run; its ports are free", "start it: scripts/run or scripts/serve", True)
    if bad := [name for name, state in checks.items() if state != "ok"]:
        return Finding("server", f"{RUNS}, but degraded: {', '.join(bad)}", "its log says why, under the same name")
    if not _answers(settings.dicom_port):
        return Finding(
            "server", f"{RUNS}, but nobody answers at DICOM port {settings.dicom_port}", "look at EHR_BRIDGE_DICOM_PORT"
        )
    return Finding("server", f"{RUNS}, every check of its health is ok")


def look_at_readiness(settings: Settings) -> list[Finding]:
    """Whether a load balancer sends it new work, and why not; nothing where no server runs."""
    try:
        with _ask(settings, "ready"):
            return [Finding("ready", "for new work")]
    except HTTPError as refusal:
        try:
            wrong = [f"{reason}" for reason in json.load(refusal)["wrong"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []  # an older version, or something else at this port: the check of the server says so
    except OSError:
        return []
    said = "; ".join(WRONG.get(reason, reason) for reason in wrong)
    if wrong == DRAINING:
        fix = f"it is being stopped; if it is not, delete {settings.draining_path}"
        return [Finding("ready", f"not for new work: {said}", fix, True)]
    fixes = dict.fromkeys(CURES.get(reason, "its log says why") for reason in wrong if reason not in DRAINING)
    return [Finding("ready", f"not for new work: {said}", "; ".join(fixes))]


def look_at_attention(settings: Settings) -> list[Finding]:
    """What the running server shows on its System page and tells its monitor."""
    needed = needs_attention(settings)
    if needed is None:
        return [NOT_KNOWN]
    return [Finding("attention", what, cure, True) for what, cure in needed.items()] or [
        Finding("attention", "nothing needs any")
    ]


def needs_attention(settings: Settings) -> Mapping[str, str] | None:
    """What to do, by what needs attention and how often; None where the server does not say."""
    try:
        rules = token_rules(with_secret(settings))
    except click.ClickException:
        return None  # no secret yet, or it is not ours to read
    token = make_user_token(
        rules,
        subject="doctor",
        name="doctor",
        roles=["monitor"],
        now=datetime.now(UTC),
        ttl=timedelta(minutes=1),
    )
    try:
        with _ask(settings, "metrics", Authorization=f"Bearer {token}") as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    except (OSError, ValueError):
        return None
    samples = [one for family in families if family.name == ATTENTION for one in family.samples]
    if not samples:
        return None  # its database is away
    found = (one for one in samples if one.value)
    return {f"{one.labels['code']} ({one.value:.0f})": ADVICE.get(one.labels["code"], "") for one in found}


def _ask(settings: Settings, route: str, **headers: str) -> Any:
    """The answer of this machine's server. Raises OSError, also for a refusal."""
    asked = urllib.request.Request(f"http://127.0.0.1:{settings.http_port}/api/v1/{route}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(asked, timeout=SECONDS)
    except HTTPException as error:
        raise OSError("something that does not speak HTTP") from error


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
