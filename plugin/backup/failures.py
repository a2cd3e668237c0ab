"""What prevents a backup or a restore, by code, and what to do about it."""

from __future__ import annotations

SENTENCES = {
    "wrong_password": "The password does not open this repository; set EHR_BRIDGE_BACKUP_PASSWORD to the one it was "
    "made with.",
    "repository_away": "The repository cannot be reached or written; check its address, its disk and its permissions.",
    "no_repository": "There is no repository at this address. Mount its disk, or correct the address. After the first "
    "backup another one is begun only by scripts/backup --new.",
    "other_repository": "The repository at this address has never had a backup of this installation. Mount the right "
    "disk, or correct the address. Another one is taken only by scripts/backup --new.",
    "repository_full": "There is no room in the repository; enlarge its disk. What was copied so far is not copied "
    "again.",
    "repository_locked": "Another process works on the repository; try again when it has ended. A lock of a process "
    "that died is removed after half an hour, on this machine at once.",
    "repository_damaged": "The repository is damaged; keep it, back up to a new one, and read restic's own guide for "
    "repair.",
    "no_restic": "restic is not installed; run scripts/setup, or apt-get install restic.",
    "no_client": "pg_dump or pg_restore is missing or older than the server; apt-get install postgresql-client.",
    "index_busy": "Orthanc's index changed each time while it was copied; try when fewer images arrive, or use "
    "PostgreSQL.",
    "disk_full": "There is no room for the copies of the databases in the data directory; free some space on its disk.",
    "files_unreadable": "Some stored files could not be read; the System page names damaged ones, the log the others.",
    "files_missing": "Less than half of the images on record are in their folder; see that its disk is mounted, and "
    "run it again.",
    "database_unavailable": "A database does not answer; try again when it does.",
    "database_outdated": "The database is of another version; start the server once to migrate it.",
    "lease_lost": "The backup stood still for more than a minute, so something may have been purged meanwhile; run it "
    "again.",
    "already_running": "Another backup or check is running.",
    "not_empty": "A restore begins with an empty place; name another data directory or database, or move away what is "
    "there.",
    "other_restore": "Another backup was being restored into this place and was interrupted; leave --at out to go on "
    "with it, or begin in an empty place.",
    "other_place": "The restore that was interrupted here wrote into another folder or database; repeat it with the "
    "settings and variables of that time, or begin in an empty place.",
    "snapshot_gone": "The backup that was being restored into this place is not in this repository; name the one it "
    "came from with --from, or begin in an empty place.",
    "restore_running": "Another restore into this place is still running; wait until it has ended, or end its process "
    "first.",
    "no_snapshot": "The repository has no backup of that time; leave --at out for the latest one.",
    "newer_schema": "The backup was made by a newer version; install that version, or a later one, and restore with "
    "it.",
    "other_engine": "The backup is of the other kind of database; set or unset EHR_BRIDGE_DATABASE_URL and "
    "EHR_BRIDGE_ORTHANC_DATABASE_URL as it was there.",
    "interrupted": "Its process ended before it was done; run it again, it continues.",
    "failed": "See the lines before, and the log.",
}


class BackupFailed(Exception):
    """`code` is one of `SENTENCES`; `said` is what a tool has said of it, without values of patients."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.said = said

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code] + (f" ({self.said})" if self.said else "")
