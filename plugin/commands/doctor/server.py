"""What the running server says of itself to `ehr-bridge doctor`: health, readiness, and what its monitor reads."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, IncompleteRead
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
"""For an answer, from the question to its last byte."""
NOT_KNOWN = Finding(
    "attention",
    "not known: the server does not say",
    "run this as the server's own user and with its environment; if it is, ask again, and read the server's log",
    is_warning=True,
)
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
        answer = _ask(settings, "health")
    except Torn as torn:
        fix = "ask again; if it stays so, its log says why. If it is no server of ours, set EHR_BRIDGE_HTTP_PORT"
        return Finding("server", f"an answer at port {settings.http_port} {torn}", fix)
    except OSError:
        answer = b""
    try:
        bad = [str(name) for name, state in json.loads(answer)["checks"].items() if state != "ok"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        ports = {"EHR_BRIDGE_HTTP_PORT": settings.http_port, "EHR_BRIDGE_DICOM_PORT": settings.dicom_port}
        for variable, port in ports.items():
            if _answers(port):
                return Finding("server", f"something else answers at port {port}", f"stop it, or set {variable}")
        return Finding("server", "does not run; its ports are free", "start it: scripts/run or scripts/serve", True)
    if bad:
        return Finding("server", f"{RUNS}, but degraded: {', '.join(bad)}", "its log says why, under the same name")
    if not _answers(settings.dicom_port):
        return Finding(
            "server", f"{RUNS}, but nobody answers at DICOM port {settings.dicom_port}", "look at EHR_BRIDGE_DICOM_PORT"
        )
    return Finding("server", f"{RUNS}, every check of its health is ok")


def look_at_readiness(settings: Settings) -> list[Finding]:
    """Whether a load balancer sends it new work, and why not; nothing where no server runs."""
    try:
        _ask(settings, "ready")
    except Refused as refusal:
        try:
            wrong = [f"{reason}" for reason in json.loads(refusal.body)["wrong"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []  # an older version, or something else at this port: the check of the server says so
    except Torn as torn:
        return [Finding("ready", f"not known: the answer {torn}", "ask again; if it stays so, its log says why", True)]
    except OSError:
        return []
    else:
        return [Finding("ready", "for new work")]
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
        answer = _ask(settings, "metrics", Authorization=f"Bearer {token}")
        families = list(text_string_to_metric_families(answer.decode()))
        samples = [one for family in families if family.name == ATTENTION for one in family.samples]
        codes = [(one.labels["code"], one.value) for one in samples]
    except (OSError, ValueError, IndexError, KeyError):  # the parser trips over some of what is no metrics
        return None
    if not codes:
        return None  # its database is away
    return {f"{code} ({count:.0f})": ADVICE.get(code, "see docs/api.md") for code, count in codes if count}


class Refused(OSError):
    """The server said no; `body` says why."""

    def __init__(self, body: bytes) -> None:
        super().__init__("refused")
        self.body = body


class Torn(OSError):
    """Somebody answers, but not to the end."""


def _ask(settings: Settings, route: str, **headers: str) -> bytes:
    """The answer of this machine's server, the whole of it.

    Raises:
        Refused: it is another one than 2xx.
        Torn: it began, and broke off or never ended.
        OSError: nobody answers, or in something else than HTTP.
    """
    asked = urllib.request.Request(f"http://127.0.0.1:{settings.http_port}/api/v1/{route}", headers=headers)
    coming: Future[bytes] = Future()

    def wait() -> None:
        try:
            coming.set_result(_whole_answer(asked))
        except BaseException as error:
            coming.set_exception(error)

    threading.Thread(target=wait, daemon=True).start()  # a server that drips holds up that one alone
    try:
        return coming.result(SECONDS)
    except (IncompleteRead, ConnectionError) as error:  # RemoteDisconnected is of the latter
        raise Torn("broke off") from error
    except TimeoutError as error:
        raise Torn(f"has not come within {SECONDS} s") from error
    except HTTPException as error:
        raise OSError("something that does not speak HTTP") from error


def _whole_answer(asked: urllib.request.Request) -> bytes:
    """It may take as long as each part of it comes in time."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=SECONDS) as answer:
            return bytes(answer.read())
    except HTTPError as refusal:
        with refusal:
            raise Refused(refusal.read()) from refusal


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
