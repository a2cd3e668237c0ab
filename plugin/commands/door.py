"""The server for `ehr-bridge import`: asks what it already has, and uploads one file at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from ehr_bridge.api.uploads.content_digest import CONTENT_DIGEST, content_digest
from ehr_bridge.api.uploads.options import MOST_ANNOUNCED
from ehr_bridge.settings import Settings
from plugin.commands.remote import Remote, ServerAway, own_token


class Door:
    """A server's API, with the account of whoever runs the command. Raises ServerAway when the server does not answer,
    or refuses the account, after several attempts."""

    def __init__(self, settings: Settings, url: str, order: str | None, patient: str | None) -> None:
        self._server = Remote(url, lambda: own_token(settings, "ehr-bridge import", "technician"))
        self._order, self._patient = order, patient
        self._options = {"X-Upload-Source": "cd_import"}
        self._options |= {"X-Order-Id": order} if order else {}
        self._options |= {"X-Patient-Id": patient} if patient else {}

    def known(self, digests: Sequence[str]) -> set[str]:
        """Those of these SHA-256 digests whose files need not be sent: the server has them, and their study belongs to
        the order or patient of this import. Empty if the server cannot say."""
        if None in self._aim.values():
            return set()
        status, body = self._server.ask("POST", "dicom/known", json={"sha256": sorted(set(digests))})
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
        status, body = self._server.ask("POST", "dicom/upload", data=data, headers=about | self._options)
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
                status, body = self._server.ask("GET", f"{kind}s/{quote(value, safe='')}")
                aim[f"{kind}_id"] = str(body["id"]) if status == 200 else None
        return aim


def _refusal(status: int, code: str, detail: str) -> str:
    """A refusal of this file; an error that all files would meet ends the import."""
    if status in (401, 403, 404, 409) and code != "study_recorded_otherwise":
        raise ServerAway(f"the server refuses the import ({code}): {detail}")
    return code
