"""Sets the issuer of recorded numbers: those from before there were several authorities, or when one is renamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.issuers import Authority, issuer_key
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.registry.numbers import configured_issuer
from ehr_bridge.services.registry.patients import Listener
from ehr_bridge.services.visibility.restrictions import count_up

BATCH = 200


@dataclass(slots=True)
class Assigned:
    """What an assignment did, or would do."""

    patients: int = 0
    taken: int = 0
    """Left unchanged: the authority already has a patient with that number."""
    unknown: int = 0
    """Requested numbers that no patient has, or whose issuer is not to be changed."""


class Assignment:
    """Sets the issuer of recorded numbers, as if the EHR had sent it with them: stored files follow by jobs."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        listener: Listener,
        authorities: tuple[Authority, ...],
    ) -> None:
        self._database = database
        self._clock = clock
        self._listener = listener
        self._authorities = authorities

    def assign(
        self,
        name: str,
        mrns: Sequence[str] | None,
        origin: Origin,
        *,
        former: str | None = None,
        dry_run: bool = False,
        progress: Callable[[Assigned], None] = lambda _: None,
    ) -> Assigned:
        """Assign numbers without issuer, or with the `former` one, to an authority: these, or all of them (None).

        An interrupted call is completed by repeating it. Raises InvalidInput when the name is none of the site's
        authorities.
        """
        issuer = configured_issuer(self._authorities, name)
        done, last = Assigned(), ""
        of_former = Patient.issuer_key == issuer_key(former)
        if mrns is not None:
            of_former &= Patient.mrn.in_(mrns)
        while issuer_key(former) != issuer_key(issuer):
            with self._database.write() as session:
                query = select(Patient).where(of_former, Patient.mrn > last).order_by(Patient.mrn).limit(BATCH)
                batch = session.scalars(query.with_for_update()).all()
                taken = self._taken(session, batch, issuer)
                for patient in batch:
                    if patient.mrn in taken:
                        done.taken += 1
                        continue
                    done.patients += 1
                    if not dry_run:
                        self._give(session, patient, issuer, origin)
                if batch and not dry_run:
                    count_up(session)
            if not batch:
                break
            last = batch[-1].mrn
            progress(done)
        done.unknown = len(set(mrns)) - done.patients - done.taken if mrns is not None else 0
        return done

    def _taken(self, session: Session, batch: Sequence[Patient], issuer: str) -> set[str]:
        mine = select(Patient.mrn).where(
            Patient.mrn.in_([one.mrn for one in batch]), Patient.issuer_key == issuer_key(issuer)
        )
        return set(session.scalars(mine))

    def _give(self, session: Session, patient: Patient, issuer: str, origin: Origin) -> None:
        now = self._clock()
        before = {"issuer": patient.issuer}
        patient.issuer = issuer
        session.flush()
        event = Event("patient.updated", patient_id=patient.id, detail={"fields": ["issuer"]})
        audit.append(session, origin, event, now)
        if patient.merged_into_id is None:
            self._listener.patients_told(session, [(patient, before)], origin, now)
