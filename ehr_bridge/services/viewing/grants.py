"""The studies that bound tokens open: queried at the first use, then kept up to date in memory.

A study that is unlinked from the patient or order of a token leaves it, and one that is linked joins it, within a
second, on every node, without any request waiting for the database.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import OF_PATIENT
from ehr_bridge.auth.tokens import digest
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.viewing import ViewerToken, ViewerTokenRenewal
from ehr_bridge.errors import NotFound
from ehr_bridge.services.registry.numbers import find_patient
from ehr_bridge.services.viewing.scope import Priors, Scope, covered, linked_to

MOST = 8192
IDLE_SECONDS = 120.0
"""A grant that was not used for so long is dropped, and queried again when needed."""


@dataclass(slots=True)
class _Known:
    scope: Scope
    studies: frozenset[str]
    used_at: float


class Grants:
    """See `ehr_bridge.auth.ports.Grants`."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def issued(self, token: str, token_id: str) -> str | None:
        """The key of a viewer token that we issued; None if we did not."""
        with self._database.read() as session:
            row = find_token(session, token)
            if row is None or str(row.id) != token_id:
                return None
            self._keep(session, token_id, scope_of(row))
        return token_id

    def of_patient(self, patient: str) -> str:
        """The key of all studies of one patient, by MRN or id. An unknown patient has a key without studies."""
        key = f"{OF_PATIENT}{patient}"
        with self._database.read() as session:
            try:
                patient_id = find_patient(session, patient).id
            except NotFound:
                patient_id = None
            self._keep(session, key, Scope("patient", patient_id=patient_id))
        return key

    def studies(self, key: str) -> frozenset[str] | None:
        """The studies as they were linked a moment ago; None when the key is unknown or was dropped."""
        known = self._known.get(key)
        if known is None:
            return None
        known.used_at = self._monotonic()
        return known.studies

    def refresh(self) -> None:
        """Read what is linked now. Raises Unavailable when the database is away; then the previous studies remain."""
        now = self._monotonic()
        with self._lock:
            for key in [key for key, known in self._known.items() if now - known.used_at > IDLE_SECONDS]:
                del self._known[key]
            moving = [known for known in self._known.values() if known.scope.kind != "studies"]
        if moving:
            with self._database.read() as session:
                found = _covered(session, [known.scope for known in moving])
            for known, studies in zip(moving, found, strict=True):
                if studies != known.studies:
                    known.studies = studies

    def _keep(self, session: Session, key: str, scope: Scope) -> None:
        known = _Known(scope, _covered(session, [scope])[0], self._monotonic())
        with self._lock:
            self._known[key] = known
            while len(self._known) > MOST:
                self._known.popitem(last=False)


def find_token(session: Session, token: str) -> ViewerToken | None:
    """The grant of a token that we issued, the first one or a renewal."""
    fingerprint = digest(token)
    row = session.scalar(select(ViewerToken).where(ViewerToken.token_sha256 == fingerprint))
    if row is None and (renewal := session.get(ViewerTokenRenewal, fingerprint)) is not None:
        row = session.get(ViewerToken, renewal.viewer_token_id)
    return row


def scope_of(row: ViewerToken) -> Scope:
    """What a token was made for."""
    priors = None
    if row.priors_match is not None and row.priors_newest is not None:
        priors = Priors(row.priors_match, row.priors_newest)  # type: ignore[arg-type]
    return Scope(
        row.scope,  # type: ignore[arg-type]
        studies=frozenset(row.study_instance_uids),
        order_id=row.order_id,
        patient_id=row.patient_id,
        priors=priors,
    )


def _covered(session: Session, scopes: list[Scope]) -> list[frozenset[str]]:
    """What each scope covers now: two queries for all of them, none for named studies."""
    orders = [scope.order_id for scope in scopes if scope.kind == "order" and scope.order_id is not None]
    patient_of: dict[uuid.UUID | None, uuid.UUID] = {}
    if orders:
        query = select(Order.id, Order.patient_id).where(Order.id.in_(orders))
        patient_of = {row[0]: row[1] for row in session.execute(query)}
    patients = {scope.patient_id for scope in scopes if scope.patient_id is not None}
    patients |= set(patient_of.values())
    linked = linked_to(session, patients) if patients else []
    return [covered(scope, linked, patient_of.get(scope.order_id)) for scope in scopes]
