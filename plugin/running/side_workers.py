"""Threads beside the worker's own, so that no arrival waits for a slow disk or a slow EHR."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ehr_bridge.db.commits import Commits
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.dashboard.dose_reading import DoseReading
from ehr_bridge.services.delivery.sealing_again import seal_again
from ehr_bridge.services.fixity.rounds import FixityRounds
from ehr_bridge.services.uploads.sop_classes import SopClasses
from ehr_bridge.storage.files import FileStore
from ehr_bridge.storage.objects import ObjectFiles
from plugin.running.worker import Chore, Worker
from plugin.sending.senders import Senders
from plugin.storing.archive import OrthancArchive
from plugin.storing.area import register

DAMAGED = "ehr_bridge_damaged_files"
"""Metric: how many stored files were damaged when they were last read."""
WAITING, OLDEST = "ehr_bridge_deliveries_waiting", "ehr_bridge_deliveries_oldest_seconds"
"""Metrics: how many deliveries are not sent yet, and how long ago the first of them happened."""
FILES_WAITING, FILES_OLDEST = "ehr_bridge_files_waiting", "ehr_bridge_files_oldest_seconds"
"""Metrics: how many files wait for the object storage, and since how long the first of them."""
FIXITY_SECONDS = 0.1
"""Of each second, for reading stored files again: the rest is for senders and viewers."""


def make_fixity(services: Services, archive: OrthancArchive) -> Worker:
    """Reads stored files again, and new ones for the dose that they state."""
    checks = FixityRounds(services.database, archive, services.clock, services.settings.fixity_days)
    kept = services.results.kept_files
    classes = SopClasses(services.database, archive.sop_class_of)
    doses = DoseReading(services.database, archive, services.clock)
    return Worker(
        lambda _arrival: None,
        [
            Chore("fixity", lambda: checks.run(FIXITY_SECONDS), 1.0, unchanged_seconds=5.0),
            Chore("fixity of rejected images", lambda: kept.run(FIXITY_SECONDS), 10.0, unchanged_seconds=60.0),
            Chore("doses", doses.run, 1.0, unchanged_seconds=60.0),
            Chore("SOP classes", classes.run, 1.0, unchanged_seconds=60.0),
            Chore("damaged files", lambda: archive.tell_metric(DAMAGED, checks.damaged()), 5.0, unchanged_seconds=60.0),
        ],
        "ehr-bridge-fixity",
        lambda: services.database.change.value,
        tick_seconds=1.0,
    )


class DeliveryWorker(Worker):
    """Wakes the threads that send to destinations when something was committed, and ends them."""

    def __init__(self, services: Services, archive: OrthancArchive) -> None:
        self._senders = Senders(services)
        self._commits = Commits(services.database.engine)
        outbox, clock = services.outbox, services.clock

        def tell() -> None:
            waiting, since = outbox.deliveries.backlog()
            archive.tell_metric(WAITING, waiting)
            archive.tell_metric(OLDEST, 0 if since is None else round((clock() - since).total_seconds()))

        def close_again() -> None:
            seal_again(services.database, outbox.safe)

        # also what a node seals that signs with the former one still
        former = [Chore("former secret", close_again, 60.0)] if services.settings.jwt_secret_former else []
        super().__init__(
            lambda _arrival: None,
            [
                Chore("destinations", self._senders.wake, 0.0, unchanged_seconds=5.0),
                Chore("delivery metrics", tell, 5.0),
                Chore("old deliveries", outbox.queue.forget_old, 600.0),
                *former,
            ],
            "ehr-bridge-deliveries",
            self._commits.state,
        )

    def stop(self) -> None:
        """End the threads; a delivery under way is ended or sent again."""
        super().stop()
        self._senders.stop()
        self._commits.close()


def make_delivering(services: Services, archive: OrthancArchive) -> Worker:
    """Sends what has happened to destinations."""
    return DeliveryWorker(services, archive)


def keep_in_bucket(
    orthanc: Any, files: FileStore, archive: OrthancArchive, services: Services, workers: list[Worker]
) -> list[Callable[..., Any]]:
    """Lets Orthanc keep its files in the bucket, if there is one; returns the callbacks, which must be kept. Its worker
    is the last that stops."""
    if not isinstance(files, ObjectFiles):
        return []
    workers.insert(0, FilesWorker(files, archive, services))
    return register(orthanc, files)


class FilesWorker(Worker):
    """Runs the threads that put files into the object storage."""

    def __init__(self, files: ObjectFiles, archive: OrthancArchive, services: Services) -> None:
        self._files = files

        def tell() -> None:
            state = files.state()
            late = 0 if state.oldest_at is None else round((services.clock() - state.oldest_at).total_seconds())
            archive.tell_metric(FILES_WAITING, state.waiting)
            archive.tell_metric(FILES_OLDEST, max(late, 0))

        def follow() -> None:
            """What fails here is on the System page; nothing else waits for it."""
            if not self._stopping:
                with suppress(Unavailable):
                    files.follow_removals()

        super().__init__(
            lambda _arrival: None,
            [
                Chore("files left behind", files.look_around, 60.0),
                Chore("removed elsewhere", follow, 600.0),
                Chore("file metrics", tell, 5.0),
            ],
            "ehr-bridge-files",
            tick_seconds=1.0,
        )

    def start(self) -> None:
        """What waits from before is put first."""
        self._files.start()
        super().start()

    def stop(self) -> None:
        """Put what waits, for a moment."""
        super().stop()
        self._files.stop()
