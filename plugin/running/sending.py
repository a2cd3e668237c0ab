"""The thread that sends studies to modalities, so that a slow device holds up nothing else."""

from __future__ import annotations

from ehr_bridge.services.interfaces.sending_jobs import SendingJobs
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
