"""The threads that speak to modalities, so that a slow device holds up nothing else: some send studies, one reports
results of storage commitment that Orthanc could not."""

from __future__ import annotations

from ehr_bridge.db.commits import ChangeNumber, Commits
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.interfaces.sending_jobs import Sender, SendingJobs
from ehr_bridge.services.jobs.spool import spool_of
from plugin.dimse.commitment_reports import CommitmentReporter
from plugin.dimse.modalities import OrthancModalities
from plugin.running.worker import Chore, Worker
from plugin.storing.archive import OrthancArchive

EVERY_SECONDS = 0.5
AT_THE_SAME_TIME = 4
"""Modalities; one that does not answer is waited for up to half a minute."""


class SendingWorker(Worker):
    def __init__(self, jobs: SendingJobs, number: int, change: ChangeNumber) -> None:
        """The first looks for what is due, when something was committed; the others look whether the first is busy."""
        chore = (
            Chore("sendings", jobs.help, EVERY_SECONDS)
            if number
            else Chore("sendings", jobs.run, EVERY_SECONDS, unchanged_seconds=2.0)
        )
        super().__init__(
            lambda _arrival: None,
            [chore],
            f"ehr-bridge-sending-{number + 1}",
            lambda: change.value,
            tick_seconds=EVERY_SECONDS,
        )
        self._jobs = jobs

    def stop(self) -> None:
        """End the thread; the association under way is given up."""
        self._jobs.stop()
        super().stop()


def make_sending(services: Services, archive: Holdings, sender: Sender) -> list[SendingWorker]:
    """The threads, with the name of this node."""
    spool = spool_of(services.settings)
    jobs = SendingJobs(services.database, archive, sender, services.restrictions, lambda: spool.node, services.clock)
    return [SendingWorker(jobs, number, services.database.change) for number in range(AT_THE_SAME_TIME)]


class CommitmentWorker(Worker):
    def __init__(self, services: Services, archive: OrthancArchive, modalities: OrthancModalities) -> None:
        requests, spool = services.commitment_requests, spool_of(services.settings)
        self._requests = requests
        self._reporter = reporter = CommitmentReporter(services.settings.ae_title, modalities)
        self._commits = commits = Commits(services.database.engine)
        super().__init__(
            lambda _arrival: None,
            [
                Chore(
                    "commitments",
                    lambda: requests.run(archive, archive.sop_class_of, reporter, spool.node),
                    1.0,
                    unchanged_seconds=5.0,
                )
            ],
            "ehr-bridge-commitments",
            lambda: (commits.state(), requests.news),
            tick_seconds=1.0,
        )

    def stop(self) -> None:
        """End the thread; a result under way is sent again."""
        self._requests.stop()
        self._reporter.stop()
        super().stop()
        self._commits.close()
