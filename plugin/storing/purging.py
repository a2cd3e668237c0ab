"""Deletes a study from Orthanc so that no file of it stays, even when the process is killed meanwhile.

Orthanc removes a study from its index first and its files after that; killed in between, it leaves files that no index
knows (seen live). So the names of the files are written down before, in a folder that all nodes share, and
remaining files removed afterwards, by whichever node ends the purge.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ehr_bridge.storage.files import FileStore
from plugin.storing.archive import OrthancArchive


class PurgingArchive:
    """See `ehr_bridge.services.deletion.purge.PurgeableArchive`."""

    def __init__(self, archive: OrthancArchive, files: FileStore, journal: Path) -> None:
        self._archive = archive
        self._store = files
        self._journal = journal

    def delete_study(self, study_instance_uid: str, hold: Callable[[], None]) -> int:
        """See `PurgeableArchive.delete_study`. A study whose instances name two patients is two studies in Orthanc.
        Raises Unavailable when Orthanc could not delete it."""
        found = self._archive.find("Study", StudyInstanceUID=study_instance_uid)
        page = self._journal / f"{study_instance_uid}.txt"
        self._write_down(page, [name for study in found for name in self._files(f"/studies/{study}", hold)])
        for study in found:
            hold()  # finding the files takes long; what was found may be gone, and have come again
            self._archive.delete_resource(f"/studies/{study}")
        for name in page.read_text().split() if page.exists() else ():
            hold()
            self._store.remove(name)
        page.unlink(missing_ok=True)
        return len(found)

    def _files(self, study: str, hold: Callable[[], None]) -> list[str]:
        """The names in the file store of all attachments of a study, its series and its instances. Raises Unavailable
        when the index does not tell all of them."""
        resources = [study]
        for level in ("series", "instances"):
            resources += [f"/{level}/{one['ID']}" for one in self._archive.look(f"{study}/{level}") or []]
        names = []
        for resource in resources:
            hold()
            for attachment in self._archive.look(f"{resource}/attachments") or []:
                info = self._archive.look(f"{resource}/attachments/{attachment}/info")
                if info is not None:
                    names.append(str(info["Uuid"]))
        return names

    def _write_down(self, page: Path, names: list[str]) -> None:
        """Add to what an interrupted run has written; synced to disk before anything is deleted."""
        self._journal.mkdir(mode=0o700, parents=True, exist_ok=True)
        with page.open("a") as file:
            file.writelines(f"{name}\n" for name in names)
            file.flush()
            os.fsync(file.fileno())
