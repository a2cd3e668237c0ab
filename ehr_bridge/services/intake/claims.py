"""One decision per study, taken once, recorded before the first instance is stored, and valid for all its instances.

The row in `studies` is the claim. The first instance writes it (a unique StudyInstanceUID settles races between threads
and nodes); every later one, through any door, reads it. So a study never gets two identities.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeletionStatus, LinkStatus
from ehr_bridge.db.tables.deletions import DeletionRequest, latest_request
from ehr_bridge.db.tables.modifications import Split
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.matching import Evidence, HeaderIdentity, Match, MatchKind, Rules
from ehr_bridge.meters import MATCHES
from ehr_bridge.services.identity.attributes import ehr_values, identity_to_json, patient_in_files, wanted_values
from ehr_bridge.services.identity.reading_rank import rank_of_order, rank_of_study
from ehr_bridge.services.identity.study_index import index_waiting
from ehr_bridge.services.uploads.arrivals import Decision
from ehr_bridge.services.uploads.moved_out import MovedOut, moved_out
from ehr_bridge.services.verdict.judge import (
    RULES,
    STUDY,
    Confirmation,
    Verdict,
    carries,
    find_known,
    judge,
    stored_match,
    verdict_on_more,
)

ABANDONED_AFTER = timedelta(minutes=15)
"""Much longer than storing one instance can take."""

_INSERT = {
    dialect: insert(Study).on_conflict_do_nothing(index_elements=["study_instance_uid"]).returning(Study.id)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A study that is about to come: what its first instance says, and the verdict on that."""

    identity: HeaderIdentity
    confirmation: Confirmation
    match: Match
    patient: Patient | None
    order: Order | None

    @property
    def is_certain(self) -> bool:
        return self.match.is_automatic and self.patient is not None

    @property
    def linked_to(self) -> tuple[Patient | None, Order | None]:
        """Patient and order; neither where the verdict is not certain."""
        return (self.patient, self.order) if self.is_certain else (None, None)

    @property
    def link_status(self) -> LinkStatus:
        if self.is_certain:
            return LinkStatus.LINKED
        return LinkStatus.AMBIGUOUS if self.match.kind is MatchKind.AMBIGUOUS else LinkStatus.UNLINKED

    def of_stored_file(self) -> Claim:
        """The same for an instance that is already stored: nothing is certain unless it has the right values."""
        patient, order = self.linked_to
        if patient is None or carries(self.identity, wanted_values(patient, order)):
            return self
        evidence = (Evidence.against(STUDY, "stored_first"), *self.match.evidence)
        return replace(self, match=replace(self.match, kind=MatchKind.PROBABLE, evidence=evidence, is_automatic=False))

    def insert(self, session: Session, now: datetime) -> Study | None:
        """The new row; None when there is one already."""
        values = self._row(now)
        study = Study(**values)
        study.answer([session.get_one(Order, key) for key in self.match.order_ids] if self.is_certain else [], now)
        insert = _INSERT[session.get_bind().dialect.name]
        ranks = (rank_of_order(order.status, order.priority) for order in study.orders)
        rank = None if study.is_document else rank_of_study(ranks)
        answered = {"order_id": study.order_id, "reading_rank": rank}
        if session.connection().execute(insert, values | answered).first() is None:
            return None
        if not self.is_certain or (self.match.order_id is None and self.identity.accession_number):
            index_waiting(session, values["id"], self.identity)
        session.add_all(study.answers)
        return study

    def _row(self, now: datetime) -> dict[str, Any]:
        match = self.match
        return {
            "id": uuid.uuid4(),
            "study_instance_uid": self.identity.study_instance_uid,
            "patient_id": match.patient_id if self.is_certain else None,
            "link_status": self.link_status,
            "is_document": self.confirmation.is_document,
            "match_kind": match.kind.value,
            "match_score": match.score,
            "match_evidence": [line.as_json() for line in match.evidence],
            "match_patient_id": match.patient_id,
            "match_order_id": match.order_id,
            "corrections": dict(self.confirmation.tags),
            "received_identity": identity_to_json(self.identity),
            "coerced": [],
            "modalities": [],
            "number_of_series": 0,
            "number_of_instances": 0,
            "is_settled": True,
            "created_at": now,
            "updated_at": now,
        }


type CacheKey = tuple[HeaderIdentity, Confirmation, bool]


class Claims:
    """Decides about studies; caches decisions for a few seconds, so that a study costs one query rather than one per
    instance (and changes by other nodes are seen soon)."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        remember: timedelta = timedelta(seconds=5),
        cache_size: int = 1024,
        rules: Rules = RULES,
    ) -> None:
        self.database = database
        self._clock = clock
        self._remember = remember
        self._cache_size = cache_size
        self.rules = rules
        self._cache: OrderedDict[CacheKey, tuple[datetime, Decision]] = OrderedDict()
        self._lock = threading.Lock()
        self._deciding = threading.Lock()

    def decide(self, identity: HeaderIdentity, confirmation: Confirmation, *, may_coerce: bool = True) -> Decision:
        """The decision for an instance with this identity.

        `may_coerce` is False when the instance is already stored: then nothing is certain unless it has the right
        values.

        Raises:
            NotFound: the confirmed order or patient does not exist.
            Conflict: order and patient do not belong together, the order is cancelled, or the study is already recorded
                differently.
        """
        key = (identity, confirmation, may_coerce)
        if (decision := self._remembered(key)) is not None:
            return decision
        with self._deciding:  # a study's first instances arrive together: one decides, the others wait for it
            if (decision := self._remembered(key)) is not None:
                return decision
            now = self._clock()
            decision = self._decide(identity, confirmation, may_coerce, now)
            with self._lock:
                self._cache[key] = (now + self._remember, decision)
                while len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
        return decision

    def _remembered(self, key: CacheKey) -> Decision | None:
        with self._lock:
            known = self._cache.get(key)
        return known[1] if known is not None and known[0] > self._clock() else None

    def forget(self) -> None:
        """Drop cached decisions; called after every change of patients, orders or links on this node."""
        with self._lock:
            self._cache.clear()

    def release(self, decision: Decision) -> None:
        """Withdraw a claim whose first instance could not be stored; one with an entry in the upload log stays."""
        self.forget()
        with self.database.write() as session:
            session.execute(delete(Study).where(Study.id == decision.study_id, Study.orthanc_study_id.is_(None)))

    def drop_abandoned(self) -> int:
        """Withdraw old claims whose process was killed before it stored anything; returns how many."""
        with self.database.write() as session:
            abandoned = delete(Study).where(
                Study.orthanc_study_id.is_(None),
                Study.created_at < self._clock() - ABANDONED_AFTER,
                ~exists().where(Split.target_study_id == Study.id),
                ~exists().where(Instance.study_id == Study.id),
            )
            count = len(session.execute(abandoned.returning(Study.id)).all())
        if count:
            self.forget()
        return count

    def _decide(
        self, identity: HeaderIdentity, confirmation: Confirmation, may_coerce: bool, now: datetime
    ) -> Decision:
        with self.database.read() as session:
            known = find_known(session, identity.study_instance_uid)
            if known is not None and (purge := _purge_of(session, known.study)) is not None:
                match, _, _ = judge(session, identity, Confirmation(), self.rules)
                return _begins_anew(known.study, purge, match, moved_out(session, known.study.id))
            if known is not None:
                decision = joined(known.study, verdict_on_more(session, known, identity, confirmation, self.rules))
                return replace(decision, moved=moved_out(session, known.study.id))
        # If a power cut loses the claim, it is decided again. In turn, because between verdict and claim nobody may
        # merge records, move an order or rename a person: the claim refers to current rows, or such a change sees it.
        with self.database.write_relaxed(in_turn=True) as session:
            claim = Claim(identity, confirmation, *judge(session, identity, confirmation, self.rules))
            if not may_coerce:
                claim = claim.of_stored_file()
            study = claim.insert(session, now)
            claimed = None if study is None else _decision(study, *claim.linked_to)
        if claimed is not None:
            MATCHES.add(claimed.match.kind.value, "yes" if claimed.is_linked else "no")
            return claimed
        return self._decide(identity, confirmation, may_coerce, now)  # another claim was first: join it


def joined(study: Study, verdict: Verdict) -> Decision:
    """The decision for a further instance of a claimed study."""
    decision = replace(decision_of(study), match=verdict.match)
    return replace(decision, wanted={}, contradicts=True) if verdict.contradicts else decision


def _purge_of(session: Session, study: Study) -> DeletionRequest | None:
    """The deletion request that purged the study's images, if none have arrived since."""
    if study.deleted_at is None:
        return None
    latest = session.scalar(latest_request(study.id))
    return latest if latest is not None and latest.status == DeletionStatus.PURGED else None


def _begins_anew(study: Study, purge: DeletionRequest, match: Match, moved: MovedOut) -> Decision:
    """The decision for new images of a study that was purged: as if it were new, but it waits for a person."""
    return Decision(
        study_id=study.id,
        study_instance_uid=study.study_instance_uid,
        match=replace(match, is_automatic=False),
        is_linked=False,
        patient_id=None,
        order_id=None,
        wanted={},
        is_hidden=True,
        moved=moved,
        purge_id=purge.id,
    )


def decision_of(study: Study) -> Decision:
    """The decision for every instance of a study, from its row."""
    return _decision(study, patient_in_files(study), study.order)


def _decision(study: Study, patient: Patient | None, order: Order | None) -> Decision:
    identity = wanted_values(patient, order) if patient else {}
    return Decision(
        study_id=study.id,
        study_instance_uid=study.study_instance_uid,
        match=stored_match(study),
        is_linked=study.link_status == LinkStatus.LINKED,
        patient_id=study.patient_id,
        order_id=study.order_id,
        wanted={**study.corrections, **identity},
        facts=ehr_values(patient, order) if patient else {},
        corrections=study.corrections,
        home=study.orthanc_study_id,
        is_hidden=study.deleted_at is not None,
    )
