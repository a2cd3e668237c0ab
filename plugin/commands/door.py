"""The server for `ehr-bridge import`: asks what it already has, and uploads one file at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import requests

from ehr_bridge.api.uploads.content_digest import CONTENT_DIGEST, content_digest
from ehr_bridge.api.uploads.options import MOST_ANNOUNCED
from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.settings import Settings
from plugin.commands.installation import token_rules
from plugin.commands.users import operator

TRIES = 6
LONGEST_WAIT = 60


class ServerAway(click.ClickException):
    """The import stopped early; running it again continues."""


class Door:
    """A server's API, with the account of whoever runs the command. Raises ServerAway when the server does not answer,
    or refuses the account, after several attempts."""

    def __init__(self, settings: Settings, url: str, order: str | None, patient: str | None) -> None:
        self._settings = settings
        self._api = url.rstrip("/") + "/api/v1/"
        self._order, self._patient = order, patient
        self._options = {"X-Upload-Source": "cd_import"}
        self._options |= {"X-Order-Id": order} if order else {}
        self._options |= {"X-Patient-Id": patient} if patient else {}
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy, no .netrc: the token is for this server only

    def known(self, digests: Sequence[str]) -> set[str]:
        """Those of these SHA-256 digests whose files need not be sent: the server has them, and their study belongs to
        the order or patient of this import. Empty if the server cannot say."""
        if None in self._aim.values():
            return set()
        status, body = self._ask("POST", "dicom/known", json={"sha256": sorted(set(digests))})
        if status != 200:
            return set()
        meant = {
            study["study_instance_uid"]
            for study in body["studies"]
            if all(study[name] == value for name, value in self._aim.items())
        }
        return {file["sha256"] for file in body["files"] if not self._aim or file["study_instance_uid"] in meant}

    def announce(self, upload_id: str, total: int) -> None:
        """Everything sent from now on belongs to this upload, of this many files."""
        self._options["X-Upload-Id"] = upload_id
        if 0 < total <= MOST_ANNOUNCED:
            self._options["X-Upload-Total"] = str(total)

    def send(self, path: Path) -> str:
        """`stored`, `duplicate`, or the error code."""
        try:
            data = path.read_bytes()
        except OSError:
            return "unreadable"
        name = quote(path.name.encode("utf-8", "surrogateescape"))
        about = {"Content-Type": "application/dicom", "X-File-Name": name, CONTENT_DIGEST: content_digest(data)}
        status, body = self._ask("POST", "dicom/upload", data=data, headers=about | self._options)
        if status in (200, 201):
            return str(body["instances"][0]["status"])
        return _refusal(status, str(body.get("code", f"http_{status}")), str(body.get("detail", "")))

    @cached_property
    def _aim(self) -> dict[str, str | None]:
        """The ids of the order and the patient; None where the server does not know them (it will refuse the first
        file)."""
        aim: dict[str, str | None] = {}
        for kind, value in (("order", self._order), ("patient", self._patient)):
            if value:
                status, body = self._ask("GET", f"{kind}s/{quote(value, safe='')}")
                aim[f"{kind}_id"] = str(body["id"]) if status == 200 else None
        return aim

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        """Status and body of the answer; waits and repeats as Retry-After says."""
        said = "nothing"
        for attempt in range(TRIES):
            try:
                answer = self._http.request(
                    method, self._api + path, headers=self._authorization() | (headers or {}), timeout=120, **content
                )
            except requests.RequestException as error:
                said, wait = type(error).__name__, 1 << attempt
            else:
                body = _json(answer)
                if answer.status_code != 503:
                    return answer.status_code, body
                said, wait = str(body.get("code", "http_503")), int(answer.headers.get("Retry-After", "5"))
            if attempt + 1 < TRIES:
                time.sleep(min(wait, LONGEST_WAIT))
        raise ServerAway(
            f"the server does not accept files at the moment ({said}); run the same command again to continue"
        )

    def _authorization(self) -> dict[str, str]:
        token = make_user_token(
            token_rules(self._settings),
            subject=operator().actor,
            name="ehr-bridge import",
            roles=["technician"],
            now=utc_now(),
            ttl=timedelta(minutes=10),
        )
        return {"Authorization": f"Bearer {token}"}


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status: int, code: str, detail: str) -> str:
    """A refusal of this file; an error that all files would meet ends the import."""
    if status in (401, 403, 404, 409) and code != "study_recorded_otherwise":
        raise ServerAway(f"the server refuses the import ({code}): {detail}")
    return code
