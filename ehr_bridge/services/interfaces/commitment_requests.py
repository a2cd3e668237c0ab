"""Requests for storage commitment, kept until the modality has taken the result (PS3.4 section J.3.3).

A request is a row before it is answered with success, or, on the DICOM port, as soon as Orthanc passes it on. What a
process was working on when it died is judged again, from the files as they are then, and reported by the next one.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, delete, func, or_, select, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import May
from ehr_bridge.db.tables.interfaces import CommitmentRequest
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.interfaces.commitment import Commitment, Commitments, SopClassOf
from ehr_bridge.services.interfaces.modalities import KnownModality, Modalities
from ehr_bridge.services.modifying.attempts import LEASE, RENEWED, where

LOGGER = logging.getLogger(__name__)
MOST_INSTANCES = 50_000
"""In one request, as in one report by MPPS."""
MOST_WAITING = 1_000
"""Requests of one modality whose results it has not taken."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=30)
GIVEN_UP_AFTER = timedelta(hours=24)
"""A modality that is switched off over night hears its results the next morning."""

NO_ANSWER = "it did not answer"

type Named = tuple[str, str]
"""SOP Class UID and SOP Instance UID of an instance."""
type Results = Sequence[tuple[Named, Commitment]]


class TooManyWaiting(Exception):
    """The modality has so many results to take already that no further request is kept."""


class Reporter(Protocol):
    def answers(self, modality: KnownModality) -> bool:
        """Whether it takes an association of ours, or says why not."""

    def report(self, modality: KnownModality, transaction_uid: str, results: Results) -> str | None:
        """Send the N-EVENT-REPORT on an association of ours; None when it was taken, or why not:
        NO_ANSWER when the modality is away."""


class CommitmentRequests:
    """Of this node. `run` is for one thread; everything else may be called by any."""

    def __init__(
        self,
        database: Database,
        commitments: Commitments,
        modalities: Modalities,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._commitments = commitments
        self._modalities = modalities
        self._clock = clock
        self._lock = threading.Lock()
        self._with_orthanc: set[uuid.UUID] = set()
        """Requests of which a job of this process's Orthanc judges and reports."""
        self._ended: dict[uuid.UUID, bool] = {}
        """What became of such jobs, not written down yet: whether the report was taken."""
        self._stopping = threading.Event()

    def keep(
        self,
        ae_title: str,
        transaction_uid: str,
        instances: Sequence[Named],
        *,
        node: str | None = None,
        address: str | None = None,
    ) -> uuid.UUID:
        """Write a request down. With `node`, Orthanc's job on that node works on it, until `job_ended` says otherwise
        or the process dies. Raises Unavailable, and TooManyWaiting."""
        now = self._clock()
        request = CommitmentRequest(
            id=uuid.uuid4(),
            ae_title=ae_title,
            address=address,
            transaction_uid=transaction_uid,
            instances=[list(one) for one in instances],
            requested_at=now,
            node=node,
            leased_until=None if node is None else now + LEASE,
            attempts=0,
        )
        counted = select(func.count()).where(CommitmentRequest.ae_title == ae_title)
        if node is not None:
            with self._lock:  # before the row is there: `run` must not begin with it
                self._with_orthanc.add(request.id)
        try:
            with self._database.write() as session:
                if (session.scalar(counted) or 0) >= MOST_WAITING:
                    raise TooManyWaiting
                session.add(request)
        except BaseException:
            with self._lock:
                self._with_orthanc.discard(request.id)
            raise
        return request.id

    @property
    def news(self) -> int:
        """How many jobs have ended of which nothing is written down yet."""
        return len(self._ended)

    def job_ended(self, request_id: uuid.UUID, *, was_taken: bool) -> None:
        """Orthanc's job for a request has ended. Only remembers it: Orthanc waits for the callback."""
        with self._lock:
            self._ended[request_id] = was_taken

    def stop(self) -> None:
        """Begin nothing more; what is under way is left to the next process."""
        self._stopping.set()

    def run(self, archive: Archive, sop_class_of: SopClassOf, reporter: Reporter, node: str) -> None:
        """Note what has become of Orthanc's jobs, then answer what nobody works on. Raises Unavailable.

        A modality that is away is waited for once, not for each of its requests: the others' are answered meanwhile.
        """
        self._note_jobs(node)
        away: set[str] = set()
        for request_id, ae_title in self._due(node):
            if self._stopping.is_set():
                return
            try:
                if ae_title in away:
                    if self._hold(request_id, node):
                        self._again(request_id)
                elif not self._answer(request_id, archive, sop_class_of, reporter, node):
                    away.add(ae_title)
            except Unavailable:
                raise
            except Exception as error:  # its message may quote a file
                LOGGER.error("storage commitment: request %s cannot be answered: %s", request_id, where(error))
                self._again(request_id)

    def _note_jobs(self, node: str) -> None:
        with self._lock:
            ended, working = dict(self._ended), self._with_orthanc - self._ended.keys()
        now = self._clock()
        late = (CommitmentRequest.id.in_(working)) & (CommitmentRequest.leased_until <= now + RENEWED)
        with self._database.read() as session:
            is_late = bool(working) and session.scalar(select(CommitmentRequest.id).where(late).limit(1)) is not None
        if ended or is_late:
            with self._database.write() as session:
                session.execute(update(CommitmentRequest).where(late).values(node=node, leased_until=now + LEASE))
                taken = [one for one, was_taken in ended.items() if was_taken]
                session.execute(delete(CommitmentRequest).where(CommitmentRequest.id.in_(taken)))
                lost = CommitmentRequest.id.in_(ended.keys() - set(taken))
                values = {"attempts": 1, "retry_at": now + FIRST_PAUSE, "leased_until": None}
                session.execute(update(CommitmentRequest).where(lost).values(values))
            with self._lock:
                self._with_orthanc -= ended.keys()
                for one in ended:
                    self._ended.pop(one, None)

    def _due(self, node: str) -> list[tuple[uuid.UUID, str]]:
        now = self._clock()
        query = select(CommitmentRequest.id, CommitmentRequest.ae_title).where(
            or_(CommitmentRequest.retry_at.is_(None), CommitmentRequest.retry_at <= now), _free_for(node, now)
        )
        with self._lock:
            working = set(self._with_orthanc)
        with self._database.read() as session:
            found = session.execute(query.order_by(CommitmentRequest.requested_at))
            return [(one, ae_title) for one, ae_title in found if one not in working]

    def _answer(
        self, request_id: uuid.UUID, archive: Archive, sop_class_of: SopClassOf, reporter: Reporter, node: str
    ) -> bool:
        """False when the modality is away. Files are read only for one that answers; one that has just asked does."""
        if not self._hold(request_id, node):
            return True
        with self._database.read() as session:
            request = session.get(CommitmentRequest, request_id)
        if request is None:
            return True
        modality = self._modalities.known(request.ae_title)
        if modality is None or May.COMMIT not in modality.may:
            self._give_up(request, "not_allowed")
            return True
        if request.attempts > 0 and not reporter.answers(modality):
            self._again(request_id)
            return False
        results: list[tuple[Named, Commitment]] = []
        is_patient = request.attempts == 0  # an image that is missing is waited for once
        for sop_class_uid, sop_instance_uid in request.instances:
            if self._stopping.is_set() or not self._hold(request_id, node):
                return True
            answer = self._commitments.judge(
                archive, sop_class_of, sop_class_uid, sop_instance_uid, request.ae_title, is_patient=is_patient
            )
            is_patient = is_patient and answer is not Commitment.NO_SUCH_INSTANCE
            results.append(((sop_class_uid, sop_instance_uid), answer))
        why = reporter.report(modality, request.transaction_uid, results)
        if why is not None:
            LOGGER.warning("storage commitment: %s did not take a result: %s", request.ae_title, why)
            self._again(request_id)
            return why != NO_ANSWER
        counts = Counter(answer for _, answer in results)
        origin = Origin(f"ae:{request.ae_title}", request.address)
        self._commitments.note(request.ae_title, request.transaction_uid, counts, origin, request_id)
        return True

    def _hold(self, request_id: uuid.UUID, node: str) -> bool:
        """Renew this node's lease; False when another node works on the request, or it is answered."""
        now = self._clock()
        with self._database.read() as session:
            one = session.get(CommitmentRequest, request_id)
            if one is None:
                return False
            if one.node == node and one.leased_until is not None and one.leased_until > now + RENEWED:
                return True
        mine = update(CommitmentRequest).where(CommitmentRequest.id == request_id, _free_for(node, now))
        with self._database.write() as session:
            result = session.execute(mine.values(node=node, leased_until=now + LEASE))
            return cast(CursorResult[Any], result).rowcount > 0

    def _again(self, request_id: uuid.UUID) -> None:
        """Try again later, or give up."""
        now = self._clock()
        with self._database.write() as session:
            request = session.get(CommitmentRequest, request_id)
            if request is None:
                return
            request.attempts += 1
            request.retry_at = now + min(FIRST_PAUSE * 2 ** min(request.attempts - 1, 16), LONGEST_PAUSE)
            request.leased_until = None
            is_over = request.retry_at > request.requested_at + GIVEN_UP_AFTER
        if is_over:
            self._give_up(request, "modality_away")

    def _give_up(self, request: CommitmentRequest, code: str) -> None:
        detail = {
            "ae_title": request.ae_title,
            "transaction_uid": request.transaction_uid,
            "instances": len(request.instances),
            "attempts": request.attempts,
            "code": code,
        }
        event = Event("commitment.given_up", "failure", detail=detail)
        with self._database.write() as session:
            session.execute(delete(CommitmentRequest).where(CommitmentRequest.id == request.id))
            audit.append(session, Origin(f"ae:{request.ae_title}", request.address), event, self._clock())


def _free_for(node: str, now: datetime) -> Any:
    return or_(
        CommitmentRequest.node.is_(None),
        CommitmentRequest.node == node,
        CommitmentRequest.leased_until.is_(None),
        CommitmentRequest.leased_until < now,
    )
