"""The new form of a stored file: modified, or its former self again. Bytes in, bytes out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.dicom import Change, Header, coerce, keep_former, read_header
from ehr_bridge.dicom.changing.references import NewUids, move_file
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.services.archive.storing import archive_id
from ehr_bridge.services.coercion.originals import MODIFYING_SYSTEM, on_arrival
from ehr_bridge.services.coercion.rules import CoercionRules, Ruling
from ehr_bridge.services.jobs.replacing import digest, former_file
from ehr_bridge.services.uploads.ways_in import UNKNOWN, WayIn


class NewForm(NamedTuple):
    """The file that replaces an instance; the same bytes when nothing changes."""

    data: bytes
    changes: tuple[Change, ...] = ()
    is_doubted: bool = False
    """A rule of the site keeps the file's value and asks for a person's decision."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a job on the link knows about every file, in the form the rules expect."""

    wanted: Mapping[str, str]
    facts: Mapping[str, str]
    corrections: Mapping[str, str]


def new_form(
    job: Modification,
    undone: Undone | None,
    instance_id: str,
    data: bytes,
    when: datetime,
    rules: CoercionRules,
    way_in: WayIn = UNKNOWN,
) -> NewForm:
    """The new form of an instance that arrived this way. Raises RefusedInstance when it cannot have the values it
    should."""
    wanted, is_doubted, qualifiers = job.wanted, False, None
    if undone is not None:
        rows = undone.rows.get(instance_id)
        if rows is not None:
            return NewForm(*_former_form(rows, data))
    header = read_header(data)
    if undone is not None and not job.from_original:  # it arrived later, and got the new values then
        wanted = undone.wanted_for(header, wanted)
    if job.from_original:
        if _is_somebody_elses(job, undone, header):
            return NewForm(data)
        came, came_qualifiers = on_arrival(header, rules.attributes)
        ruling = _ruling(job, header, rules, way_in, came)
        wanted, is_doubted = {**came, **ruling.wanted}, ruling.contradicts
        if all(wanted.get(name) == came.get(name, wanted.get(name)) for name in ("PatientID", "IssuerOfPatientID")):
            qualifiers = came_qualifiers
    coerced = coerce(
        header,
        wanted,
        when=when,
        modifying_system=MODIFYING_SYSTEM,
        reason="CORRECT",
        qualifiers=qualifiers,
    )
    return NewForm(coerced.data, coerced.changes, is_doubted)


def moved(form: NewForm, uids: NewUids, job: Modification, when: datetime) -> NewForm:
    """A new form under the UIDs of the study to which a split moves it."""
    source = job.requested_by[:64]
    data = move_file(read_header(form.data), uids, when=when, modifying_system=MODIFYING_SYSTEM, source=source)
    return NewForm(data, (*form.changes, Change("StudyInstanceUID", *uids.study)), form.is_doubted)


def _ruling(job: Modification, header: Header, rules: CoercionRules, way_in: WayIn, came: Mapping[str, str]) -> Ruling:
    """What the rules would have decided about the file, had this link been known when it arrived."""
    if job.known is None:  # requested by an earlier version, which computed all values at once
        return Ruling(job.wanted)
    settled = _Settled(job.wanted, job.known["ehr"], job.known["corrections"])
    return rules.rule(header, settled, *way_in, came)


def _is_somebody_elses(job: Modification, undone: Undone | None, header: Header) -> bool:
    """Whether an instance that arrived after a job on the link had begun belongs to none of the patients the job is
    about.

    An undo concerns the instances of the job it undoes, so it also leaves alone what arrived after that one had begun.
    """
    linked_to = (job.known or {}).get("linked_to")
    if undone is not None:
        return header.patient_id not in {*undone.patient_ids, undone.wanted.get("PatientID"), linked_to}
    known = job.study_before.get("patient_ids")
    return known is not None and header.patient_id not in {*known, job.wanted.get("PatientID"), linked_to}


def id_after(instance_id: str, before: bytes, after: bytes, undone: Undone | None) -> str:
    """The archive's id of the new form, computed before the archive has it."""
    if undone is not None and instance_id in undone.rows:
        return undone.rows[instance_id][-1].orthanc_instance_id_before
    former, new = _place(read_header(before)), _place(read_header(after))
    return instance_id if former == new else archive_id(*new)


def _place(header: Header) -> tuple[str, str, str, str]:
    return header.patient_id, header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Undone:
    """The modification that an undo undoes."""

    rows: dict[str, Sequence[ModificationInstance]]
    """By the present id of each instance: what was done to its file, latest first; the last one is the modification's.
    More than one where images that a split moved have followed their new patient since."""
    wanted: dict[str, str]
    patient_ids: list[str]
    """Those in the study's files when it began."""

    def wanted_for(self, header: Header, former: dict[str, str]) -> dict[str, str]:
        """The former values of attributes in which an instance has the values of the modification."""
        return {
            keyword: value
            for keyword, value in former.items()
            if header.text(keyword) == wanted_value(keyword, self.wanted[keyword]).value
        }


def _former_form(rows: Sequence[ModificationInstance], data: bytes) -> tuple[bytes, tuple[Change, ...]]:
    changes: dict[str, Change] = {}
    for row in rows:
        before = former_file(data, row) if digest(data) == row.sha256_after else None
        if before is None:
            raise RefusedInstance(
                "changed_since", "The archive has another file than the one that the modification wrote."
            )
        data = before
        for change in row.changes:
            keyword, present = change["tag"], change["after"]
            if keyword in changes:
                present = changes[keyword].before
            changes[keyword] = Change(keyword, present, change["before"])
    return data, tuple(changes.values())


def ledger_row(
    job: Modification,
    instance_id: str,
    before: bytes,
    after: bytes,
    changes: tuple[Change, ...],
    status: str,
    error_code: str | None = None,
) -> ModificationInstance:
    """The ledger's row for replacing one instance: both digests, and its former bytes."""
    former = keep_former(before, after)
    return ModificationInstance(
        id=uuid.uuid4(),
        modification_id=job.id,
        orthanc_instance_id_before=instance_id,
        orthanc_instance_id_after=instance_id,
        sha256_before=digest(before),
        sha256_after=digest(after),
        same_at_start=former.same_at_start,
        same_at_end=former.same_at_end,
        former=former.packed,
        changes=[{"tag": c.keyword, "before": c.before, "after": c.after} for c in changes],
        status=status,
        error_code=error_code,
    )
