"""Whether a study may be seen by people outside, and the end of shares whose study may not any more.

A share is of a study *and* the patient it had when the share was made. So it ends when that is not certain any more,
and does not begin again when it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNENDED, JobKind, LinkStatus, ShareEnd
from ehr_bridge.db.tables.deletions import LegalHold
from ehr_bridge.db.tables.modifications import Modification, Split
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.viewing import Share, ViewerToken
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import REMEMBERED, Revocations, revoke_viewer_tokens
from ehr_bridge.services.audit.trail import OURSELVES, Event, Origin
from ehr_bridge.services.visibility.leaving import kept_here
from ehr_bridge.services.visibility.restrictions import Restrictions

OUTSIDE = "share:"
"""What the subject of people outside begins with; after it comes the id of the share. It is on no list of people who
may see a restricted patient."""
MOVING = (JobKind.LINK, JobKind.UNLINK, JobKind.SPLIT, JobKind.UNDO)
"""Jobs after which a study may be another patient's, or have images of another patient."""


def obstacle(session: Session, study: Study, patient_id: uuid.UUID | None, since: datetime) -> ShareEnd | None:
    """Why the study may not be shared as this patient's, or not any more; None if it may.

    Jobs count that are not done, or were requested `since`.
    """
    if study.deleted_at is not None or study.orthanc_study_id is None:
        return ShareEnd.STUDY_DELETED
    certain = study.link_status is LinkStatus.LINKED and study.withheld_by_id is None
    if patient_id is None or study.patient_id != patient_id or not certain:
        return ShareEnd.PATIENT_CHANGED
    links = session.scalars(select(Modification.link_after).where(Modification.study_id == study.id, _counts(since)))
    if any(link is not None and link.patient_id != patient_id for link in links):
        return ShareEnd.PATIENT_CHANGED
    if session.scalar(select(_split(study.id, since))):
        return ShareEnd.STUDY_SPLIT
    held = exists().where(LegalHold.study_id == study.id, LegalHold.released_at.is_(None))
    return ShareEnd.STUDY_HELD if session.scalar(select(held)) else None


def end_share(session: Session, share: Share, why: ShareEnd, origin: Origin, now: datetime) -> Sequence[uuid.UUID]:
    """End it and revoke what it has opened; returns the ids of those tokens, for `Revocations.add` after the commit."""
    share.ended_at, share.ended_by, share.end_reason = now, origin.actor, why
    taken = (ViewerToken.share_id == share.id) & (ViewerToken.expires_at > now - REMEMBERED)  # also just after its end
    revoked = revoke_viewer_tokens(session, taken, origin, now)
    audit.append(session, origin, share_event("share.ended", share, {"reason": str(why), "uses": share.uses}), now)
    return revoked


def end_shares_of(session: Session, username: str, origin: Origin, now: datetime) -> list[uuid.UUID]:
    """End all that somebody has shared whose account is switched off; returns what `end_share` does."""
    live = select(Share).where(Share.created_by == username, Share.ended_at.is_(None), Share.expires_at > now)
    revoked: list[uuid.UUID] = []
    for share in session.scalars(live).all():
        revoked += end_share(session, share, ShareEnd.REVOKED, origin, now)
    return revoked


def share_event(action: str, share: Share, detail: Mapping[str, object], outcome: str = "success") -> Event:
    """An event about a share, of the patient and study that it names."""
    return Event(
        action,
        outcome,
        patient_id=share.patient_id,
        study_instance_uid=share.study.study_instance_uid,
        detail={"share_id": str(share.id), **detail},
    )


class FallenShares:
    """Ends the shares of studies that may not be seen by people outside any more."""

    def __init__(
        self,
        database: Database,
        revocations: Revocations,
        restrictions: Restrictions,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._revocations = revocations
        self._restrictions = restrictions
        self._clock = clock

    def run(self) -> None:
        """Called after each commit; takes the writers' turn only when one is to end. Raises Unavailable when the
        database is away; then it is tried again."""
        now = self._clock()
        with self._database.read() as session:
            doubtful = session.scalars(self._doubtful(now)).all()
            fallen = [share.id for share in doubtful if self.why(session, share) is not None]
        if not fallen:
            return
        revoked: list[uuid.UUID] = []
        with self._database.write() as session:
            for share in session.scalars(self._doubtful(now).where(Share.id.in_(fallen))).all():
                if (why := self.why(session, share)) is not None:
                    revoked += end_share(session, share, why, OURSELVES, now)
        self._revocations.add(revoked)

    def why(self, session: Session, share: Share) -> ShareEnd | None:
        """Why a share that has not ended must; None if it need not."""
        if share.patient_id in kept_here(self._restrictions):
            return ShareEnd.RESTRICTED
        return obstacle(session, share.study, share.patient_id, share.created_at)

    def _doubtful(self, now: datetime) -> Select[Share]:
        """Those that may have to end; each is looked at by itself."""
        live = select(Share).join(Study, Study.id == Share.study_id)
        live = live.where(Share.ended_at.is_(None), Share.expires_at > now)
        closed = kept_here(self._restrictions)
        moved = exists().where(
            Modification.study_id == Study.id, Modification.kind.in_(MOVING), _counts(Share.created_at.expression)
        )
        return live.where(
            or_(
                Study.patient_id.is_(None),
                Study.patient_id != Share.patient_id,
                Study.link_status != LinkStatus.LINKED,
                Study.withheld_by_id.is_not(None),
                Study.deleted_at.is_not(None),
                Study.orthanc_study_id.is_(None),
                moved,
                _split(Study.id.expression, Share.created_at.expression),
                exists().where(LegalHold.study_id == Study.id, LegalHold.released_at.is_(None)),
                Share.patient_id.in_(closed),
            )
        )


def _counts(since: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    return or_(Modification.requested_at >= since, Modification.status.in_(UNENDED))


def _split(
    study_id: uuid.UUID | ColumnElement[uuid.UUID], since: datetime | ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Whether images have left the study, or came into it, by a split or its undoing: they were another patient's, or
    may be."""
    undone = aliased(Split)
    of_study = or_(
        Modification.study_id == study_id,
        Split.target_study_id == study_id,
        undone.target_study_id == study_id,
    )
    parts = select(Modification.id).outerjoin(Split, Split.modification_id == Modification.id)
    parts = parts.outerjoin(undone, undone.modification_id == Modification.undoes_id)
    is_split = or_(Split.modification_id.is_not(None), undone.modification_id.is_not(None))
    return parts.where(of_study, is_split, _counts(since)).exists()
