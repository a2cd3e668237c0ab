"""Takes instances in, from every door alike: validate, decide, coerce, store, record.

Doors that receive files themselves call `receive`. Orthanc's callbacks call the same steps one by one (`judge`,
`coerce`), for instances that do not come through our doors.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from functools import partial

from ehr_bridge.dicom import Layouts, Plans, coerce, is_same_content, read_header, require_storable
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.archive.own_documents import OwnDocuments
from ehr_bridge.services.archive.rejected_images import RejectedImages
from ehr_bridge.services.archive.storing import Archive, Stored
from ehr_bridge.services.coercion.originals import MODIFYING_SYSTEM
from ehr_bridge.services.coercion.rules import CoercionRules
from ehr_bridge.services.fixity.mending import Mending
from ehr_bridge.services.identity.attributes import read_identity
from ehr_bridge.services.intake.batch import Batch, IncomingFile
from ehr_bridge.services.intake.claims import Claims
from ehr_bridge.services.intake.homes import Homes, place_of
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords, Sender
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door, FoundLater, Judged, UploadOutcome
from ehr_bridge.services.verdict.judge import study_deleted
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Restrictions
from ehr_bridge.settings import MEGABYTE

LOGGER = logging.getLogger(__name__)
ASKED_FIRST = frozenset({Door.UPLOAD, Door.STOW_RS, Door.REST})
"""Doors where the sender gets the refusal; at the others the archive has, or accepts, the instance anyway."""


class Held(Enum):
    """What the archive has under the UIDs of an instance."""

    ABSENT = auto()
    SAME = auto()
    """The same content."""
    DAMAGED = auto()
    """The same image, damaged: the new file replaces it."""
    OTHER = auto()
    """Another image."""
    MISSING = auto()
    """Its index has the image, and its file is gone: the new file replaces it."""


class Intake:
    def __init__(
        self,
        claims: Claims,
        hidden: HiddenStudies,
        restrictions: Restrictions,
        recorder: Recorder,
        mending: Mending,
        quarantine: QuarantineRecords,
        clock: Callable[[], datetime],
        max_file_bytes: int,
        rules: CoercionRules | None = None,
        own_documents: OwnDocuments | None = None,
    ) -> None:
        self.rules = rules or CoercionRules()
        self._own_documents = own_documents
        self.rejected = RejectedImages(claims.database)
        self._claims = claims
        self.matching = claims.rules
        self._hidden = hidden
        self._restrictions = restrictions
        self._recorder = recorder
        self._mending = mending
        self._quarantine = quarantine
        self.homes = Homes()
        self._clock = clock
        self.max_file_bytes = max_file_bytes
        self._layouts = Layouts()
        self._plans = Plans()

    def judge(
        self,
        data: bytes,
        delivery: Delivery,
        file_name: str | None = None,
        *,
        received_sha256: str | None = None,
        may_coerce: bool = True,
    ) -> Judged:
        """Validate the bytes and decide; writes nothing but the study's claim.

        Raises:
            RefusedInstance: the file cannot be stored.
            NotFound, Conflict: the sender's confirmation does not hold, or the study is deleted.
            Unavailable: the database is away.
        """
        if delivery.door in ASKED_FIRST:
            self.require_size(data)
        header = read_header(data, max_inflated=self.max_file_bytes, layouts=self._layouts)
        require_storable(header)
        if self._own_documents is not None:
            self._own_documents.require_foreign(header)
        self.rejected.require_wanted(header)
        identity = read_identity(header, delivery.confirmation.tags)
        decision = self._claims.decide(identity, delivery.confirmation, may_coerce=may_coerce)
        if decision.is_hidden:
            if delivery.door in ASKED_FIRST:
                raise study_deleted()
            self._hidden.expect(decision.study_instance_uid)
        if decision.patient_id is not None:
            self._restrictions.expect(decision.study_instance_uid, decision.patient_id)
        return Judged(delivery, header, identity, decision, file_name, received_sha256)

    def require_size(self, data: bytes) -> None:
        """Raises RefusedInstance `too_large`."""
        if len(data) > self.max_file_bytes:
            megabytes = self.max_file_bytes // MEGABYTE
            raise RefusedInstance("too_large", f"A file may be at most {megabytes} MB (MAX_DICOM_FILE_SIZE_MB).")

    def coerce(self, judged: Judged, calling_ae_title: str | None = None) -> tuple[Judged, bytes]:
        """The instance with its changes, and the bytes to store; those received when nothing changes.

        If the calling AE title is not known yet, rules for particular callers do not apply. Raises RefusedInstance when
        the file cannot get the values it should have.
        """
        header, decision = judged.header, judged.decision
        ruling = self.rules.rule(header, decision, judged.delivery.door, calling_ae_title)
        if ruling.contradicts:
            decision = replace(decision, contradicts=True)
        if not ruling.wanted:
            return replace(judged, decision=decision, changes=()), header.data
        coerced = coerce(
            header,
            ruling.wanted,
            when=self._clock(),
            modifying_system=MODIFYING_SYSTEM,
            source=judged.delivery.origin.actor[:64],
            plans=self._plans,
        )
        judged = replace(judged, decision=decision, changes=coerced.changes)
        return judged, coerced.data if coerced.changes else header.data

    def found_later(self, judged: Judged, stored: Stored, digest: str, calling_ae_title: str | None) -> FoundLater:
        """Check whether an instance that is already in the archive has its values; only a job can change it. One that
        was moved out of its study, and came while nobody could be asked, puts the study in doubt."""
        if judged.decision.moved.has(judged.header):
            return FoundLater(judged.contradicting(), stored, digest)
        try:
            coerced, _ = self.coerce(judged, calling_ae_title)
        except (RefusedInstance, ValueError) as error:  # as at the door: it stays unchanged, and its study is flagged
            LOGGER.warning("a stored instance stays as it came: %s", getattr(error, "code", type(error).__name__))
            return FoundLater(judged.contradicting(), stored, digest)
        return FoundLater(replace(coerced, changes=()), stored, digest, is_unfinished=bool(coerced.changes))

    def held(self, judged: Judged, archive: Archive) -> Held:
        """What the archive has under the UIDs of this coerced instance. Raises Unavailable when that is unknown."""
        header = judged.header
        stored = place_of(judged)
        if not archive.has(stored, header.sop_instance_uid):
            return Held.ABSENT
        try:
            if is_same_content(header, archive.read(stored)):
                return Held.SAME
        except LookupError:
            return Held.MISSING
        return Held.DAMAGED if self._mending.is_due(archive, stored) else Held.OTHER

    def mend(self, arrival: AtDoor, archive: Archive) -> AtDoor:
        """Replace the archive's copy if it is damaged, since the sender is told that it is stored. Raises Unavailable
        like `Mending.mend`."""
        judged, data = self.coerce(arrival.judged)
        instance_id, origin = arrival.stored.orthanc_instance_id, judged.delivery.origin
        if self._mending.mend(archive, instance_id, data, origin) is None:
            return arrival
        return replace(arrival, stored_digest=stored_digest(data))

    def receive(
        self,
        files: Iterable[IncomingFile],
        delivery: Delivery,
        archive: Archive,
        strays: Set[str] = frozenset(),
    ) -> UploadOutcome:
        """Take the files of one upload request, each with its own outcome; a bad one does not affect the others.

        The files are taken one at a time and not kept. Those refused with a code of `strays` are listed separately.

        Raises:
            NotFound, Conflict: the confirmation for the whole upload does not hold; nothing was stored.
            Unavailable: the database or the archive is away; nothing was stored.
        """
        batch = Batch(delivery, partial(self._store_one, archive), strays)
        self._recorder.under_way.begin(delivery)
        try:
            for file_name, data in files:
                batch.take(file_name, data)
        finally:
            if failures := batch.failures:
                self._recorder.record_failures(delivery, failures)
            self._recorder.under_way.finish(delivery)
        return batch.end()

    def _store_one(self, archive: Archive, data: bytes, delivery: Delivery, file_name: str | None) -> AtDoor:
        if not archive.has_room(len(data)):
            raise Unavailable("storage_full", "There is no room for more images; send it again when there is.", 60)
        digest = hashlib.sha256(data).hexdigest() if delivery.keeps_digests else None
        if delivery.stated_sha256 not in (None, digest):
            detail = "The file did not arrive as it was sent (Content-Digest); send it again."
            raise RefusedInstance("digest_mismatch", detail)
        judged = self.judge(data, delivery, file_name, received_sha256=digest)
        with self._claim_released_on_failure(judged):
            judged, kept = self.coerce(judged)
        self._require_own_study(judged)
        with self._claim_released_on_failure(judged):
            stored = archive.store(kept)
        if stored.is_duplicate:
            stored = self._mending.mend(archive, stored.orthanc_instance_id, kept, delivery.origin) or stored
        if stored.is_duplicate:
            kept = _same_content(judged, stored, archive)
        arrival = AtDoor(judged, stored, stored_digest(kept))
        self._recorder.record(arrival)
        return arrival

    def _require_own_study(self, judged: Judged) -> None:
        """Quarantine an instance that must not join its study, and refuse it.

        Raises:
            RefusedInstance `study_of_another_patient`, `moved_out`: it is in quarantine.
            Unavailable: the quarantine folder is not writable.
        """
        try:
            self.homes.require(judged)
        except RefusedInstance as refusal:
            self.set_aside(judged.header.data, refusal.code, judged.delivery)
            raise

    def set_aside(self, data: bytes, code: str, delivery: Delivery) -> None:
        """Keep a file in quarantine. Raises Unavailable when the folder is not writable."""
        origin = delivery.origin
        try:
            self._quarantine.keep(data, code, Sender(delivery.door.value, origin.actor, origin.address))
        except OSError as error:
            raise Unavailable("archive_unavailable", "The quarantine folder cannot be written.") from error
        with suppress(Unavailable):  # the worker tries again
            self._quarantine.flush()

    @contextmanager
    def _claim_released_on_failure(self, judged: Judged) -> Iterator[None]:
        try:
            yield
        except Exception:
            self._claims.release(judged.decision)
            raise


def _same_content(judged: Judged, stored: Stored, archive: Archive) -> bytes:
    """The archive's file, which is the first one it got; a duplicate is accepted only when the content is the same.

    Raises:
        RefusedInstance `same_uid_other_content`.
        Unavailable: the instance is gone meanwhile.
    """
    try:
        kept = archive.read(stored.orthanc_instance_id)
    except LookupError:
        detail = "The archive cannot give out the image it has; try again, and tell an administrator if it stays so."
        raise Unavailable("archive_unavailable", detail) from None
    if not is_same_content(judged.header, kept):
        raise RefusedInstance(
            "same_uid_other_content",
            "The archive holds another instance with this SOP Instance UID and keeps it; "
            "give this one a UID of its own where it was made.",
        )
    return kept
