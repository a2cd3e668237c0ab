"""Storage commitment (PS3.4 annex J): whether a modality may delete its copy of an image.

Only when the file is on the disk, is read now, and has the digest that was recorded when it was stored. What waits to
be deleted here is not promised any more, nor an image that the modality has also sent with other content.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.interfaces import CommitmentRequest
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.quarantine import Quarantine, sha256_of
from ehr_bridge.services.archive.rejected_images import taken_out
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.fixity.check import MISSING, FixityCheck

PATIENCE_SECONDS = 5.0
"""An image that came a moment ago may not be recorded yet."""
LOOK_SECONDS = 0.25
OTHER_CONTENT = "same_uid_other_content"


class Commitment(StrEnum):
    """The answer for one instance; the others are Failure Reasons (0008,1197), PS3.3 section C.14.1.1."""

    COMMITTED = "committed"
    PROCESSING_FAILURE = "processing_failure"
    """0x0110: it is here but not whole, or cannot be read now."""
    NO_SUCH_INSTANCE = "no_such_instance"
    """0x0112."""
    CLASS_CONFLICT = "class_conflict"
    """0x0119: it is of another SOP Class."""


type SopClassOf = Callable[[str], str | None]
"""The SOP Class of a stored instance, by the archive's id; None when it is gone."""


class Commitments:
    def __init__(
        self,
        database: Database,
        settle: Callable[[], None],
        clock: Callable[[], datetime],
        patience: float = PATIENCE_SECONDS,
        rejected: Quarantine | None = None,
    ) -> None:
        """`settle` records what has arrived and waits to be recorded, in the archive and in quarantine; `rejected` is
        the folder of rejected images."""
        self._database = database
        self._settle = settle
        self._clock = clock
        self._patience = patience
        self._checks = FixityCheck(database, clock)
        self._rejected = rejected

    def judge(
        self,
        archive: Archive,
        sop_class_of: SopClassOf,
        sop_class_uid: str,
        sop_instance_uid: str,
        ae_title: str,
        *,
        is_patient: bool = True,
    ) -> Commitment:
        """Whether we answer to this modality for an instance. Waits a moment for one that is not recorded yet unless
        told otherwise, and reads its file: not for callbacks of Orthanc for which others wait. What cannot be told now
        is a failure."""
        try:
            if self._is_kept_apart(sop_class_uid, sop_instance_uid):
                return Commitment.COMMITTED
            rows = self._rows(sop_instance_uid, self._patience if is_patient else 0.0)
            if rows and self._sent_other_content(sop_instance_uid, ae_title):
                return Commitment.PROCESSING_FAILURE
            answers = [self._judge(archive, sop_class_of, sop_class_uid, *row) for row in rows]
        except Unavailable:
            return Commitment.PROCESSING_FAILURE
        if Commitment.COMMITTED in answers:
            return Commitment.COMMITTED
        return answers[0] if answers else Commitment.NO_SUCH_INSTANCE

    def note(
        self,
        ae_title: str,
        transaction_uid: str,
        answers: Mapping[Commitment, int],
        origin: Origin,
        request_id: uuid.UUID | None = None,
    ) -> None:
        """Write into the audit trail what was answered to a request, and forget the one whose result was taken. Raises
        Unavailable."""
        counts = Counter({str(answer): count for answer, count in answers.items() if count})
        is_whole = set(counts) <= {str(Commitment.COMMITTED)}
        detail = {"ae_title": ae_title, "transaction_uid": transaction_uid, **counts}
        event = Event("commitment.answered", "success" if is_whole else "partial", detail=detail)
        with self._database.write() as session:
            if request_id is not None:
                session.execute(delete(CommitmentRequest).where(CommitmentRequest.id == request_id))
            audit.append(session, origin, event, self._clock())

    def _rows(self, sop_instance_uid: str, patience: float) -> list[tuple[str, str | None]]:
        end = time.monotonic() + patience
        while not (rows := self._recorded(sop_instance_uid)) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        return rows

    def _recorded(self, sop_instance_uid: str) -> list[tuple[str, str | None]]:
        self._settle()
        query = (
            select(Instance.orthanc_instance_id, Instance.stored_digest)
            .join(Study, Study.id == Instance.study_id)
            .where(Instance.sop_instance_uid == sop_instance_uid, Study.deleted_at.is_(None))
        )
        with self._database.read() as session:
            return [(row.orthanc_instance_id, row.stored_digest) for row in session.execute(query)]

    def _sent_other_content(self, sop_instance_uid: str, ae_title: str) -> bool:
        """Whether the modality's copy may be another one than ours, which a person has to decide first."""
        query = (
            select(QuarantinedFile.said)
            .join(Study, Study.study_instance_uid == QuarantinedFile.study_instance_uid)
            .join(Instance, Instance.study_id == Study.id)
            .where(Instance.sop_instance_uid == sop_instance_uid, QuarantinedFile.code == OTHER_CONTENT)
            .where(QuarantinedFile.status == "waiting", QuarantinedFile.sent_by == f"ae:{ae_title}")
        )
        with self._database.read() as session:
            return any(said.get("SOPInstanceUID") == sop_instance_uid for said in session.scalars(query))

    def _is_kept_apart(self, sop_class_uid: str, sop_instance_uid: str) -> bool:
        """Whether it was rejected here, and its file is whole: it is not destroyed, and may be taken back."""
        try:
            with self._database.read() as session:
                image = taken_out(session, sop_instance_uid)
            name = None if image is None or image.sop_class_uid not in ("", sop_class_uid) else image.file_name
            data = b"" if name is None or self._rejected is None else self._rejected.read(name)
        except LookupError:
            return False
        return bool(data) and name is not None and hashlib.sha256(data).hexdigest() == sha256_of(name)

    def _judge(
        self, archive: Archive, sop_class_of: SopClassOf, sop_class_uid: str, orthanc_id: str, digest: str | None
    ) -> Commitment:
        known_class = sop_class_of(orthanc_id)
        if known_class is not None and known_class != sop_class_uid:
            return Commitment.CLASS_CONFLICT
        if digest is not None and archive.holds(orthanc_id, digest):
            return Commitment.COMMITTED
        trouble = self._checks.look(archive, orthanc_id)  # recorded and audited, if it is damaged
        if trouble == MISSING:
            return Commitment.NO_SUCH_INSTANCE
        if not trouble and self._is_whole_by_now(archive, orthanc_id):
            return Commitment.COMMITTED
        return Commitment.PROCESSING_FAILURE

    def _is_whole_by_now(self, archive: Archive, orthanc_id: str) -> bool:
        """A job has just replaced the file, or its digest was not known before."""
        with self._database.read() as session:
            query = select(Instance.stored_digest).where(Instance.orthanc_instance_id == orthanc_id)
            digest = session.scalar(query)
        return digest is not None and archive.holds(orthanc_id, digest)
