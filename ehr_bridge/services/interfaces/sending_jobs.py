"""Sends studies to modalities, some images at a time, on a few threads: to one modality one study after the other, to
several at the same time, so that a slow one keeps the others waiting for nothing.

What is sent is written down after each few images, so a killed process goes on behind them; the last few may be sent
twice, which every archive and workstation takes (PS3.4 section B.2.3). A node holds a job by a lease.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNDER_WAY, JobStatus
from ehr_bridge.db.tables.interfaces import Sending, SentInstance
from ehr_bridge.errors import Conflict, NotFound, NotPermitted, Unavailable
from ehr_bridge.services.archive.holdings import Holdings
from ehr_bridge.services.archive.own_documents import left_since
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.modalities import key_of
from ehr_bridge.services.interfaces.sendings import CANCELLED, SENT, count_late, end, receiver
from ehr_bridge.services.jobs.study_jobs import under_way
from ehr_bridge.services.modifying.attempts import FAILED, LEASE, MOST_ATTEMPTS, RENEWED, pause_after, where
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.leaving import require_may_leave
from ehr_bridge.services.visibility.restrictions import Restrictions

LOGGER = logging.getLogger(__name__)
AT_ONCE = 16
"""Images in one association."""
AWAY, REFUSED, NOT_THERE = "modality_away", "images_refused", "archive_unavailable"


class Sender(Protocol):
    def send(self, ae_title: str, orthanc_instance_ids: Sequence[str], meanwhile: Callable[[], object]) -> str | None:
        """C-STORE these images, in one association; None, or why that failed. Calls `meanwhile` from time to time and
        passes on what it raises."""

    def answers(self, ae_title: str) -> bool:
        """Whether the modality answers a C-ECHO."""


class Stopped(Exception):
    """This process ends, or another node sends; what is not written down is sent again."""


class SendingJobs:
    """Runs the jobs of a node. Several threads may `run` it."""

    def __init__(
        self,
        database: Database,
        archive: Holdings,
        sender: Sender,
        restrictions: Restrictions,
        node: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._archive = archive
        self._sender = sender
        self._restrictions = restrictions
        self._node = node
        self._clock = clock
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        """Modalities that a thread of this process sends to now."""
        self._turns: dict[uuid.UUID, int] = {}
        """When each sending that is due had its last turn: those that waited longest are next."""
        self._turn = 0

    def stop(self) -> None:
        """Nothing more is sent by this process."""
        self._stopping.set()

    def run(self, seconds: float = 1.0) -> None:
        """Send some images of each study that is due, in turn, for about that long. Raises Unavailable when the
        database is away; it continues later."""
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (taken := self._take()) is not None:
            sending_id, modality = taken
            try:
                self._advance(sending_id)
            except Stopped:
                pass
            except Unavailable:
                raise
            except Exception as error:  # its message may quote a file
                LOGGER.error("job %s cannot go on: %s", sending_id, where(error))
                self._wait(sending_id, FAILED, "")
            finally:
                with self._lock:
                    self._busy.discard(modality)
            if time.monotonic() > until:
                return

    def help(self) -> None:
        """Like `run`, for threads beside the first: only while that one, or another, is busy."""
        if self._busy:
            self.run()

    def _take(self) -> tuple[uuid.UUID, str] | None:
        """The sending whose turn it is, and its modality, which is this thread's until it is given back; None when
        nothing is due to a modality that is free."""
        with self._lock:
            due = self._due()
            free = [one for one in due if one[1] not in self._busy]
            self._turns = {one: self._turns[one] for one, _ in due if one in self._turns}
            if not free:
                return None
            chosen = min(free, key=lambda one: self._turns.get(one[0], 0))  # of equals the one that was asked for first
            self._turn += 1
            self._turns[chosen[0]] = self._turn
            self._busy.add(chosen[1])
            return chosen

    def _due(self) -> list[tuple[uuid.UUID, str]]:
        now = self._clock()
        query = select(Sending).where(
            Sending.status.in_(UNDER_WAY),
            or_(Sending.retry_at.is_(None), Sending.retry_at <= now),
            or_(Sending.node.is_(None), Sending.node == self._node(), Sending.leased_until < now),
        )
        with self._database.read() as session:
            found = session.scalars(query.order_by(Sending.requested_at))
            return [(one.id, key_of(one.ae_title)) for one in found if under_way(session, one.study_id) is None]

    def _advance(self, sending_id: uuid.UUID) -> None:
        """Send the next few images, or end the job. Raises Stopped."""
        self._hold(sending_id)
        with self._database.read() as session:
            sending = session.get_one(Sending, sending_id)
            refusal = self._refusal(session, sending)
            done = set(
                session.scalars(select(SentInstance.orthanc_instance_id).where(SentInstance.sending_id == sending_id))
            )
            held = self._archive.holdings(sending.study.orthanc_study_id or "")
        if refusal is not None:
            return self._end(sending_id, refusal)
        with self._database.read() as session:  # after looking: what a job has moved is not seen as all there is
            if under_way(session, sending.study_id) is not None:
                return None
            left = left_since(session, sending.study.study_instance_uid, sending.requested_at) - done
        todo = [one.orthanc_instance_id for one in held if one.orthanc_instance_id not in done]
        if not held or (not todo and len(done) + len(left) < sending.number_of_instances):
            return self._wait(sending_id, NOT_THERE, "")
        if not todo:
            return self._end(sending_id)
        self._send(sending, todo[:AT_ONCE], len(done) + len(todo))
        return None

    def _refusal(self, session: Session, sending: Sending) -> str | None:
        """The code of why it must not be sent any more. A deletion, a restriction or an administrator may come between
        the request and the last image."""
        try:
            study = find_study(session, sending.study.study_instance_uid)
            require_may_leave(self._restrictions, study.patient_id)
            receiver(session, sending.ae_title)
        except (NotFound, Conflict, NotPermitted) as refusal:
            return refusal.code
        return None

    def _send(self, sending: Sending, chosen: list[str], total: int) -> None:
        taken: list[str] = []
        refused: dict[str, str] = {}
        try:
            why = self._offer(sending, chosen, taken, refused)
            known = [*taken, *refused]
            if not known:
                return self._wait(sending.id, AWAY, why or "")
            if refused:  # not those that a correction has replaced meanwhile
                held = self._archive.holdings(sending.study.orthanc_study_id or "")
                gone = refused.keys() - {one.orthanc_instance_id for one in held}
                known = [one for one in known if one not in gone]
            self._note(sending.id, known, {one: refused[one] for one in known if one in refused}, total)
        except Stopped:
            self._note_late(sending.id, len(taken), len(chosen) - len(taken) - len(refused))
            raise
        if known and sending.number_sent == 0 and refused.keys() >= set(known):
            self._end(sending.id, REFUSED)
        return None

    def _offer(self, sending: Sending, chosen: list[str], taken: list[str], refused: dict[str, str]) -> str | None:
        """Send these images, one by one where it does not take all of them, and write into `taken` and `refused` what
        became of each as soon as that is known. Returns why the last one was not taken. Raises Stopped."""
        why = self._try(sending, chosen)
        if why is None:
            taken.extend(chosen)
        elif self._sender.answers(sending.ae_title):
            if len(chosen) == 1:
                refused[chosen[0]] = why
                return why
            for one in chosen:
                why = self._try(sending, [one])
                if why is None:
                    taken.append(one)
                elif self._sender.answers(sending.ae_title):
                    refused[one] = why
                else:
                    break
        return why

    def _try(self, sending: Sending, chosen: list[str]) -> str | None:
        return self._sender.send(sending.ae_title, chosen, lambda: self._hold(sending.id))

    def _hold(self, sending_id: uuid.UUID) -> None:
        """Renew this node's lease. Raises Stopped."""
        if self._stopping.is_set():
            raise Stopped
        now, node = self._clock(), self._node()
        with self._database.read() as session:
            one = session.get(Sending, sending_id)
            if one is None or one.status not in UNDER_WAY:
                raise Stopped
            if one.node == node and one.leased_until is not None and one.leased_until > now + RENEWED:
                return
        mine = update(Sending).where(
            Sending.id == sending_id,
            Sending.status.in_(UNDER_WAY),
            or_(Sending.node.is_(None), Sending.node == node, Sending.leased_until < now),
        )
        with self._database.write() as session:
            values = {"node": node, "leased_until": now + LEASE, "status": JobStatus.RUNNING}
            if cast(CursorResult[Any], session.execute(mine.values(values))).rowcount == 0:
                raise Stopped

    def _note(self, sending_id: uuid.UUID, chosen: Sequence[str], refused: dict[str, str], total: int) -> None:
        """Write down what became of these images."""
        with self._database.write() as session:
            sending = session.get_one(Sending, sending_id)
            if sending.node != self._node() or sending.status not in UNDER_WAY:
                raise Stopped
            for one in chosen:
                row = SentInstance(sending_id=sending_id, orthanc_instance_id=one, is_refused=one in refused)
                session.merge(row)
            session.flush()
            counted = select(SentInstance.is_refused, func.count()).where(SentInstance.sending_id == sending_id)
            rows = session.execute(counted.group_by(SentInstance.is_refused))
            counts = Counter({row[0]: row[1] for row in rows})
            sending.number_sent, sending.number_refused = counts[False], counts[True]
            sending.number_of_instances = max(total, sending.number_of_instances)
            sending.attempts, sending.retry_at, sending.error_code = 0, None, None
            if refused:
                sending.refusal = list(refused.values())[-1][:255]

    def _note_late(self, sending_id: uuid.UUID, taken: int, perhaps: int) -> None:
        """If it was cancelled while these images were on their way: that they left is on record all the same."""
        with self._database.write() as session:
            sending = session.get(Sending, sending_id)
            if sending is not None and sending.error_code == CANCELLED and taken + perhaps:
                count_late(session, sending, taken, perhaps, self._clock())

    def _wait(self, sending_id: uuid.UUID, error_code: str, why: str) -> None:
        """Try again later, or give up."""
        with self._database.write() as session:
            sending = session.get_one(Sending, sending_id)
            if sending.status not in UNDER_WAY:
                return  # cancelled meanwhile
            sending.attempts += 1
            sending.error_code, sending.refusal = error_code, why[:255] or None
            sending.retry_at = self._clock() + pause_after(sending.attempts)
            is_over = sending.attempts >= MOST_ATTEMPTS
        if is_over:
            self._end(sending_id, error_code)

    def _end(self, sending_id: uuid.UUID, error_code: str | None = None) -> None:
        with self._database.write() as session:
            sending = session.get_one(Sending, sending_id)
            if sending.status in UNDER_WAY:
                if error_code is None and sending.number_refused:
                    error_code = REFUSED
                origin = Origin(sending.requested_by, sending.address)
                end(session, sending, error_code, SENT, origin, self._clock())
