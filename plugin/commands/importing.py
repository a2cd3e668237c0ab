"""`ehr-bridge import`: a folder or CD sent through the server's upload door, file by file, as the upload page does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import requests

from ehr_bridge.api.upload_options import MOST_ANNOUNCED
from ehr_bridge.auth.tokens import make_user_token
from ehr_bridge.services.arrivals import Confirmation
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.prediction import predict
from ehr_bridge.settings import Settings
from plugin.commands.folder import FolderContent, Progress, walk
from plugin.commands.installation import opened, token_rules, with_secret
from plugin.commands.users import operator

TRIES = 6
LONGEST_WAIT = 60


class ServerAway(click.ClickException):
    """The import stopped before its end; running it again goes on from there."""


@dataclass(slots=True)
class Tally:
    stored: int = 0
    duplicate: int = 0
    before: int = 0


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--order", help="Id or accession number: all of it is for this order.")
@click.option("--patient", help="Id or MRN: all of it is of this patient.")
@click.option("--url", help="Server; default: this machine, at the configured port.")
@click.option("--dry-run", is_flag=True, help="Only show each study and how it would be matched.")
@click.pass_context
def import_folder(
    context: click.Context, folder: Path, order: str | None, patient: str | None, url: str | None, dry_run: bool
) -> None:
    """Upload every DICOM file below FOLDER. What was sent is remembered: after an interruption, run it again.

    Exit code 0: everything is stored. 1: it stopped before the end. 3: complete, but some files were refused.
    """
    settings: Settings = context.obj
    for value, option in ((order, "--order"), (patient, "--patient")):
        if value is not None and not (value.isascii() and value.isprintable()):
            raise click.BadParameter("use printable ASCII, or the id that the API shows", param_hint=option)
    folder = folder.resolve()
    content = _read(folder, settings)
    if dry_run:
        _show(settings, content, Confirmation(order, patient))
        return
    settings = with_secret(settings)
    url = url or f"http://127.0.0.1:{settings.http_port}"
    progress = Progress(settings.data_dir, folder, f"{url}\n{order}\n{patient}")
    total = sum(len(study.files) for study in content.studies.values())
    door = Door(settings, url, progress.upload_id, order, patient, total)
    try:
        tally = _send(content, progress, door)
    except KeyboardInterrupt:
        raise ServerAway("stopped; run the same command again to go on") from None
    progress.forget()
    for path, code in content.refused:
        click.echo(f"refused: {path.relative_to(folder)}: {code}", err=True)
    click.echo(
        f"{tally.stored} stored, {tally.duplicate} stored before by somebody, {tally.before} sent before the "
        f"interruption, {len(content.refused)} refused (upload {progress.upload_id})"
    )
    context.exit(3 if content.refused else 0)


def _read(folder: Path, settings: Settings) -> FolderContent:
    paths = list(walk(folder))
    content = FolderContent()
    with click.progressbar(paths, label="reading") as bar:
        for path in bar:
            content.add(path, settings.max_dicom_file_size_mb * 1_000_000)
    if not content.studies and not content.refused:
        raise click.ClickException(f"{folder} holds no files")
    return content


def _show(settings: Settings, content: FolderContent, confirmation: Confirmation) -> None:
    """One line per study: UID, files, verdict, and where it would go. No names: terminals have scrollback."""
    with opened(settings, create=False) as services:
        for uid, study in content.studies.items():
            verdict = predict(services.database, study.identity, confirmation)
            where = f"{verdict.mrn or '-'}\t{verdict.accession_number or '-'}\t{','.join(verdict.reasons) or '-'}"
            click.echo(f"{uid}\t{len(study.files)}\t{verdict.kind}\t{where}")
    for path, code in content.refused:
        click.echo(f"refused: {path.name}: {code}", err=True)


def _send(content: FolderContent, progress: Progress, door: Door) -> Tally:
    tally = Tally()
    files = [path for study in content.studies.values() for path in study.files]
    if progress.was_interrupted:
        click.echo("going on where the last import of this folder stopped")
    with click.progressbar(files, label="sending") as bar:
        for path in bar:
            if progress.has(path):
                tally.before += 1
                continue
            code = door.send(path)
            if code in ("stored", "duplicate"):
                setattr(tally, code, getattr(tally, code) + 1)
                progress.add(path)
            else:
                content.refused.append((path, code))
    return tally


class Door:
    """The upload route of a server, as the account of whoever runs the command."""

    def __init__(
        self, settings: Settings, url: str, upload_id: str, order: str | None, patient: str | None, total: int
    ) -> None:
        self._settings = settings
        self._address = url.rstrip("/") + "/api/v1/dicom/upload"
        self._options = {"X-Upload-Id": upload_id, "X-Upload-Source": "cd_import"}
        self._options |= {"X-Upload-Total": str(total)} if 0 < total <= MOST_ANNOUNCED else {}
        self._options |= {"X-Order-Id": order} if order else {}
        self._options |= {"X-Patient-Id": patient} if patient else {}
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy, no .netrc: the token is for this server only

    def send(self, path: Path) -> str:
        """`stored`, `duplicate`, or the code of the refusal.

        Raises:
            ServerAway: it does not answer, or will not have us, after several tries.
        """
        try:
            data = path.read_bytes()
        except OSError:
            return "unreadable"
        said = "nothing"
        for attempt in range(TRIES):
            try:
                answer = self._http.post(self._address, data=data, headers=self._headers(path), timeout=120)
            except requests.RequestException as error:
                said, wait = type(error).__name__, 1 << attempt
            else:
                body = _json(answer)
                if answer.status_code in (200, 201):
                    return str(body["instances"][0]["status"])
                code = str(body.get("code", f"http_{answer.status_code}"))
                if answer.status_code != 503:
                    return _refusal(answer.status_code, code, str(body.get("detail", "")))
                said, wait = code, int(answer.headers.get("Retry-After", "5"))
            if attempt + 1 < TRIES:
                time.sleep(min(wait, LONGEST_WAIT))
        raise ServerAway(f"the server does not take files just now ({said}); run the same command again to go on")

    def _headers(self, path: Path) -> dict[str, str]:
        token = make_user_token(
            token_rules(self._settings),
            subject=operator().actor,
            name="ehr-bridge import",
            roles=["technician"],
            now=utc_now(),
            ttl=timedelta(minutes=10),
        )
        name = quote(path.name.encode("utf-8", "surrogateescape"))
        about = {"Authorization": f"Bearer {token}", "Content-Type": "application/dicom", "X-File-Name": name}
        return about | self._options


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status: int, code: str, detail: str) -> str:
    """A refusal of this file; but what would meet every file alike ends the import."""
    if status in (401, 403, 404, 409) and code != "study_recorded_otherwise":
        raise ServerAway(f"the server refuses the import ({code}): {detail}")
    return code
