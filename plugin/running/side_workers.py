"""Threads beside the worker's own, so that no arrival waits for a slow disk or a slow EHR."""

from __future__ import annotations

from ehr_bridge.db.commits import Commits
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.dashboard.dose_reading import DoseReading
from ehr_bridge.services.fixity.rounds import FixityRounds
from ehr_bridge.services.uploads.sop_classes import SopClasses
from plugin.running.worker import Chore, Worker
from plugin.sending.senders import Senders
from plugin.storing.archive import OrthancArchive

DAMAGED = "ehr_bridge_damaged_files"
"""Metric: how many stored files were damaged when they were last read."""
WAITING, OLDEST = "ehr_bridge_deliveries_waiting", "ehr_bridge_deliveries_oldest_seconds"
"""Metrics: how many deliveries are not sent yet, and how long ago the first of them happened."""
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

        super().__init__(
            lambda _arrival: None,
            [
                Chore("destinations", self._senders.wake, 0.0, unchanged_seconds=5.0),
                Chore("delivery metrics", tell, 5.0),
                Chore("old deliveries", outbox.queue.forget_old, 600.0),
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
