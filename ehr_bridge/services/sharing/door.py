"""The door of people outside: a share is opened, and its reports are read. Whoever comes may be anybody."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.tokens import TokenRules, digest, make_viewer_token
from ehr_bridge.db.database import Database
from ehr_bridge.db.states import ShareEnd
from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.db.tables.viewing import Share, ViewerToken
from ehr_bridge.errors import BridgeError, NotFound, NotPermitted
from ehr_bridge.reporting.states import SIGNED, ReportStatus
from ehr_bridge.services import audit
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.accounts.sign_in import Hashing
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.reporting.rows import visible
from ehr_bridge.services.sharing.shares import MOST_WRONG_PINS
from ehr_bridge.services.sharing.standing import OUTSIDE, FallenShares, end_share, share_event
from ehr_bridge.services.viewing.sessions import STEP

SHOWN_REPORTS = 50


@dataclass(frozen=True, slots=True)
class SharedReport:
    """A signed report of the study, as it is listed for people outside."""

    report_id: uuid.UUID
    number: int
    title: str
    status: ReportStatus
    issued_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    token: str
    token_id: uuid.UUID
    expires_at: datetime
    """Of the token; it is renewed while the share lives."""
    open_until: datetime
    """When the share expires."""
    study_instance_uid: str
    study_date: date | None
    study_description: str | None
    modalities: list[str]
    reports: list[SharedReport]


class ShareDoor:
    def __init__(
        self,
        database: Database,
        rules: TokenRules,
        hashing: Hashing,
        fallen: FallenShares,
        revocations: Revocations,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._rules = rules
        self._hashing = hashing
        self._fallen = fallen
        self._revocations = revocations
        self._clock = clock

    def open(self, secret: str, pin: str | None, address: str | None) -> Opened:
        """Use a share once: a token that sees its study and nothing else.

        Raises:
            NotFound: there is no share with this secret, or it has expired, or ended, or is used up; nobody learns
                which.
            NotPermitted: it has a PIN, and none or a wrong one came.
            Unavailable: too many PINs are being checked.
        """
        known = self._known(secret)
        right = self._is_right(known, pin)
        now = self._clock()
        revoked: list[uuid.UUID] = []
        with self._database.write() as session:
            share = None if known is None else session.get(Share, known.id)
            outcome = self._outcome(session, share, right, pin, address, now, revoked)
        self._revocations.add(revoked)
        if isinstance(outcome, BridgeError):
            raise outcome
        return outcome

    def report(self, report_id: uuid.UUID, caller: Caller, address: str | None) -> tuple[uuid.UUID, int]:
        """The report and the number of its latest version, for the token of a share. Raises NotFound when it is no
        signed report of that study and patient, or the share has ended."""
        now = self._clock()
        with self._database.write() as session:
            token = session.get(ViewerToken, uuid.UUID(caller.token_id or ""))
            share = None if token is None or token.share_id is None else session.get(Share, token.share_id)
            if share is None or share.ended_at is not None or self._fallen.why(session, share) is not None:
                raise _not_found()
            found = next((one for one in _reports(session, share) if one.id == report_id), None)
            if found is None:
                raise NotFound("report_not_found", "There is no signed report of this study with that id.")
            detail = {"report_id": str(found.id), "version": found.number, "use": share.uses}
            audit.append(session, _origin(share, address), share_event("share.report_read", share, detail), now)
            return found.id, found.number

    def _known(self, secret: str) -> Share | None:
        fingerprint = digest(secret)
        with self._database.read() as session:
            share = session.scalar(select(Share).where(Share.secret_sha256 == fingerprint))
        return share if share is not None and hmac.compare_digest(share.secret_sha256, fingerprint) else None

    def _is_right(self, share: Share | None, pin: str | None) -> bool:
        """A PIN costs the same time, whether or not there is anything it could open."""
        if pin is None:
            return share is not None and share.pin_hash is None
        right = self._hashing.matches(None if share is None else share.pin_hash, pin)
        return share is not None and (share.pin_hash is None or right)

    def _outcome(
        self,
        session: Session,
        share: Share | None,
        right: bool,
        pin: str | None,
        address: str | None,
        now: datetime,
        revoked: list[uuid.UUID],
    ) -> Opened | BridgeError:
        """What becomes of it; a refusal is returned, so that what is counted stays counted."""
        if share is None:
            return _not_found()
        origin = _origin(share, address)
        if _lives(share, now) and (why := self._fallen.why(session, share)) is not None:
            revoked += end_share(session, share, why, origin, now)
        if not _can_be_used(share, now):
            self._refused(session, share, "share_not_found", origin, now)
            return _not_found()
        if not right:
            return self._wrong_pin(session, share, pin, origin, now, revoked)
        if (use := _count_use(session, share, now)) is None:
            self._refused(session, share, "share_not_found", origin, now)
            return _not_found()
        detail = {"use": use, "max_uses": share.max_uses}
        audit.append(session, origin, share_event("share.opened", share, detail), now)
        return self._opened(session, share, now)

    def _wrong_pin(
        self,
        session: Session,
        share: Share,
        pin: str | None,
        origin: Origin,
        now: datetime,
        revoked: list[uuid.UUID],
    ) -> BridgeError:
        if pin is None:
            self._refused(session, share, "share_pin_required", origin, now)
            return NotPermitted("share_pin_required", "Type the PIN that you were told.")
        share.wrong_pins += 1
        self._refused(session, share, "share_pin_wrong", origin, now)
        if share.wrong_pins < MOST_WRONG_PINS:
            return NotPermitted("share_pin_wrong", "This PIN is wrong. After five wrong ones the link ends.")
        revoked += end_share(session, share, ShareEnd.WRONG_PINS, origin, now)
        return _not_found()

    @staticmethod
    def _refused(session: Session, share: Share, code: str, origin: Origin, now: datetime) -> None:
        detail = {"code": code, "wrong_pins": share.wrong_pins, "uses": share.uses}
        audit.append(session, origin, share_event("share.refused", share, detail, "refused"), now)

    def _opened(self, session: Session, share: Share, now: datetime) -> Opened:
        token_id, study = uuid.uuid4(), share.study
        expires_at = min((now + STEP).replace(microsecond=0), share.expires_at)
        token = make_viewer_token(
            self._rules,
            token_id=str(token_id),
            subject=f"{OUTSIDE}{share.id}",
            operations=["view"],
            now=now,
            expires_at=expires_at,
            of_share=True,
        )
        session.add(
            ViewerToken(
                id=token_id,
                token_sha256=digest(token),
                subject=f"{OUTSIDE}{share.id}",
                minted_by=share.created_by,
                study_instance_uids=[study.study_instance_uid],
                operations=["view"],
                scope="share",
                patient_id=share.patient_id,
                share_id=share.id,
                created_at=now,
                expires_at=expires_at,
                renewable_until=share.expires_at,
            )
        )
        reports = [
            SharedReport(one.id, one.number, one.title, one.status, one.issued_at) for one in _reports(session, share)
        ]
        return Opened(
            token,
            token_id,
            expires_at,
            share.expires_at,
            study.study_instance_uid,
            study.study_date,
            study.study_description,
            list(study.modalities),
            reports,
        )


def _lives(share: Share, now: datetime) -> bool:
    return share.ended_at is None and share.expires_at > now


def _can_be_used(share: Share, now: datetime) -> bool:
    return _lives(share, now) and (share.max_uses is None or share.uses < share.max_uses)


def _count_use(session: Session, share: Share, now: datetime) -> int | None:
    """Which use it is; None when there was none left. One statement: two at once are two uses."""
    using = update(Share).where(Share.id == share.id, Share.ended_at.is_(None), Share.expires_at > now)
    using = using.where(or_(Share.max_uses.is_(None), Share.uses < Share.max_uses))
    using = using.values(uses=Share.uses + 1, last_used_at=now).execution_options(synchronize_session="fetch")
    return session.scalar(using.returning(Share.uses))


def _reports(session: Session, share: Share) -> list[Report]:
    """The signed reports of the study that are this patient's, the latest first."""
    query = select(Report).where(
        Report.study_instance_uid == share.study.study_instance_uid,
        Report.patient_id == share.patient_id,
        Report.status.in_(SIGNED),
        Report.number > 0,
        Report.doubt.is_(None),
        visible(),
    )
    return list(session.scalars(query.order_by(Report.issued_at.desc(), Report.id).limit(SHOWN_REPORTS)))


def _origin(share: Share, address: str | None) -> Origin:
    return Origin(f"{OUTSIDE}{share.id}", address)


def _not_found() -> NotFound:
    return NotFound("share_not_found", "This link opens nothing. Ask whoever gave it to you for another one.")
