"""`ehr-bridge bucket`: objects of the bucket that no index names, listed; taken in again when told to.

They are what a killed server had put before Orthanc wrote its index, what two nodes put at the same moment while it was
removed, and, in a restored server, images that came after the backup. Nothing here decides which of these one is, and
nothing is removed: the index that is read here may be another than the server's, and an object the only copy.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import psycopg

from ehr_bridge.errors import Unavailable
from ehr_bridge.settings import Settings
from ehr_bridge.storage.bucket import Bucket, Listed
from plugin.backup.copying import copy_locked_sqlite
from plugin.backup.failures import BackupFailed
from plugin.backup.placing import is_excerpt, unpacked
from plugin.commands.installation import with_secret
from plugin.commands.remote import Remote, Server, own_token

OLD_SECONDS = 86_400.0
"""Younger objects may be of an image that is being stored."""
TOLD_EVERY = 100
QUESTION = "SELECT uuid FROM AttachedFiles"
COLUMNS = ("object", "bytes", "days", "outcome")
YOUNG, LEFT, EXCERPT, NO_IMAGE = "too_young", "left", "excerpt", "no_image"
DEALT_WITH = frozenset({"stored", "duplicate", EXCERPT})
"""The server has said that the image is in the archive, or it is Orthanc's excerpt of one."""


@dataclass(slots=True)
class Leftovers:
    """What is done with each object that is no longer young."""

    bucket: Bucket
    known: Callable[[], set[str]]
    """The names of all files that an index names, read when this is called."""
    server: Server | None
    """Takes them in; None: they are listed only."""
    upload_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def each(self) -> Iterator[tuple[Listed, str]]:
        """Every leftover, and what became of it. Raises Unavailable when the bucket does not answer."""
        listed = list(self.bucket.listed())  # first: what is put from now on is in no list
        known = self.known()
        for one in listed:
            if one.name not in known:
                yield one, YOUNG if one.age < OLD_SECONDS else self._take_in(one)

    def _take_in(self, one: Listed) -> str:
        if self.server is None:
            return LEFT
        try:
            data = self.bucket.read(one.name)
        except FileNotFoundError:
            return "gone"
        data = unpacked(data)
        if data[128:132] != b"DICM":
            return NO_IMAGE
        if is_excerpt(data):
            return EXCERPT
        headers = {"Content-Type": "application/dicom", "X-Upload-Id": self.upload_id}
        status, answer = self.server.ask("POST", "dicom/upload", data=data, headers=headers)
        if status in (200, 201):
            return str(answer["instances"][0]["status"])
        return str(answer.get("code", f"http_{status}"))


def known_files(settings: Settings) -> set[str]:
    """The files that Orthanc's index names; of a copy of SQLite's, which a running Orthanc holds. Raises
    BackupFailed."""
    if (url := settings.orthanc_libpq_url) is not None:
        with psycopg.connect(url) as connection:
            return {row[0] for row in connection.execute(QUESTION.encode())}
    index = settings.data_dir / "orthanc-index" / "index"
    if not index.exists():
        raise click.ClickException(f"Orthanc's index is not in {index.parent}; name the data directory with --data-dir")
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix="leftovers-") as folder:
        copy_locked_sqlite(index, Path(folder) / "index")
        with closing(sqlite3.connect(Path(folder) / "index")) as database:
            return {row[0] for row in database.execute(QUESTION)}


@click.command("bucket")
@click.option("--leftovers", is_flag=True, required=True, help="List the objects that no index names, as CSV.")
@click.option("--import", "take_in", is_flag=True, help="Send those older than a day to the server, as an upload.")
@click.option("--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Into this file.")
@click.pass_context
def bucket(context: click.Context, leftovers: bool, take_in: bool, report: Path | None) -> None:
    """Look for objects in the bucket that belong to no image. Nothing is changed without --import.

    Exit code 0: no object is left over, or all of them are too young, excerpts, or of images that the server has. 1: it
    stopped before the end. 3: something else is left.
    """
    assert leftovers
    settings = with_secret(context.obj)
    if settings.bucket is None:
        raise click.ClickException("EHR_BRIDGE_STORAGE_URL is not set: there is no bucket")
    token = partial(own_token, settings, "ehr-bridge bucket", "technician")
    server = Remote(f"http://127.0.0.1:{settings.http_port}", token) if take_in else None
    work = Leftovers(Bucket(settings, time.time), lambda: known_files(settings), server)
    counted: Counter[str] = Counter()
    with nullcontext(sys.stdout) if report is None else report.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        try:
            for number, (one, outcome) in enumerate(work.each(), 1):
                rows.writerow([work.bucket.where(one.name), one.size, int(one.age / OLD_SECONDS), outcome])
                counted[outcome] += 1
                if number % TOLD_EVERY == 0:
                    file.flush()
                    click.echo(f"{number} objects so far", err=True)
        except Unavailable as error:
            raise click.ClickException(f"{error.detail} Run it again; nothing is lost.") from None
        except BackupFailed as error:
            raise click.ClickException(error.sentence) from None
        except (psycopg.Error, sqlite3.Error) as error:
            raise click.ClickException(f"Orthanc's index could not be read ({error}). Run it again.") from None
    click.echo(", ".join(f"{n} {what}" for what, n in counted.items()) or "no object is left over", err=True)
    context.exit(3 if counted.keys() - DEALT_WITH - {YOUNG} else 0)
