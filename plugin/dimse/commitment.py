"""Orthanc's hook for storage commitment (PS3.4 annex J).

Orthanc takes the N-ACTION, asks here about each instance on a thread of its own jobs, and sends the N-EVENT-REPORT to
the modality. By itself it would answer for what is in its index, whether or not the file is there and whole. When the
report is not taken, or the process dies before it, `commitment_requests` goes on.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ehr_bridge.db.states import May
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.commitment import Commitment, Commitments
from ehr_bridge.services.interfaces.commitment_requests import CommitmentRequests, TooManyWaiting
from ehr_bridge.services.interfaces.modalities import Modalities
from plugin.storing.archive import OrthancArchive

LOGGER = logging.getLogger(__name__)
REASONS = {
    Commitment.COMMITTED: "SUCCESS",
    Commitment.PROCESSING_FAILURE: "PROCESSING_FAILURE",
    Commitment.NO_SUCH_INSTANCE: "NO_SUCH_OBJECT_INSTANCE",
    Commitment.CLASS_CONFLICT: "CLASS_INSTANCE_CONFLICT",
}
"""Orthanc's names of them (`orthanc.StorageCommitmentFailureReason`)."""


@dataclass(slots=True)
class Request:
    """One N-ACTION, while Orthanc asks about its instances."""

    transaction_uid: str
    ae_title: str
    is_allowed: bool
    left: int
    answers: Counter[Commitment] = field(default_factory=Counter)


class CommitmentScp:
    def __init__(
        self,
        orthanc: Any,
        commitments: Commitments,
        requests: CommitmentRequests,
        modalities: Modalities,
        archive: OrthancArchive,
        node: Callable[[], str],
    ) -> None:
        self._orthanc = orthanc
        self._commitments = commitments
        self._requests = requests
        self._modalities = modalities
        self._archive = archive
        self._node = node
        self._jobs: dict[str, uuid.UUID] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        job_id: str,
        transaction_uid: str,
        sop_class_uids: Sequence[str],
        sop_instance_uids: Sequence[str],
        calling_ae_title: str,
        _called: str,
    ) -> Request:
        """A modality asks; nothing is looked at yet."""
        known = self._modalities.known(calling_ae_title)
        is_allowed = known is not None and May.COMMIT in known.may
        if not is_allowed:
            LOGGER.warning("storage commitment: %s may not ask for it", calling_ae_title)
        else:
            instances = list(zip(sop_class_uids, sop_instance_uids, strict=True))
            self._keep(job_id, transaction_uid, instances, calling_ae_title.strip())
        return Request(transaction_uid, calling_ae_title.strip(), is_allowed, len(sop_instance_uids))

    def look_up(self, sop_class_uid: str, sop_instance_uid: str, request: Request) -> Any:
        """Orthanc's reason for one instance; what goes wrong here is a failure, never a success."""
        answer = Commitment.PROCESSING_FAILURE
        if request.is_allowed:
            try:
                answer = self._commitments.judge(
                    self._archive, self._archive.sop_class_of, sop_class_uid, sop_instance_uid, request.ae_title
                )
            except Exception:
                LOGGER.exception("storage commitment: an instance could not be looked at")
        request.answers[answer] += 1
        request.left -= 1
        if request.left == 0:
            self._note(request)
        return getattr(self._orthanc.StorageCommitmentFailureReason, REASONS[answer])

    def job_ended(self, job_id: str, *, succeeded: bool) -> None:
        """Orthanc's job has sent the report, or could not. Called for jobs of every kind, from Orthanc's callback."""
        with self._lock:
            request_id = self._jobs.pop(job_id, None)
        if request_id is not None:
            self._requests.job_ended(request_id, was_taken=succeeded)

    def _keep(self, job_id: str, transaction_uid: str, instances: list[tuple[str, str]], ae_title: str) -> None:
        """Without a row the request is answered all the same, while this process lives."""
        try:
            request_id = self._requests.keep(ae_title, transaction_uid, instances, node=self._node())
        except (Unavailable, TooManyWaiting, OSError) as error:
            LOGGER.warning("storage commitment: a request of %s is not kept: %s", ae_title, type(error).__name__)
            return
        with self._lock:
            self._jobs[job_id] = request_id

    def _note(self, request: Request) -> None:
        origin = Origin(f"ae:{request.ae_title}")
        try:
            self._commitments.note(request.ae_title, request.transaction_uid, request.answers, origin)
        except Unavailable as error:
            LOGGER.warning("storage commitment: the answer is not in the audit trail: %s", error.code)
