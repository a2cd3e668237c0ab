"""The thread that sends studies to modalities, so that a slow device holds up nothing else."""

from __future__ import annotations

from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.interfaces.sending_jobs import Sender, SendingJobs
from ehr_bridge.services.jobs.spool import Spool
from plugin.running.worker import Chore, Worker

EVERY_SECONDS = 0.5


class SendingWorker(Worker):
    def __init__(self, jobs: SendingJobs) -> None:
        super().__init__(lambda _arrival: None, [Chore("sendings", jobs.run, EVERY_SECONDS)], "ehr-bridge-sending")
        self._jobs = jobs

    def stop(self) -> None:
        """End the thread; the association under way is given up."""
        self._jobs.stop()
        super().stop()


def make_sending(services: Services, archive: Holdings, sender: Sender) -> SendingWorker:
    """The thread, with the name of this node."""
    spool = Spool(services.settings.modifying_path)
    return SendingWorker(
        SendingJobs(services.database, archive, sender, services.restrictions, lambda: spool.node, services.clock)
    )
