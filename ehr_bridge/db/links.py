"""The link of a study as one object, as jobs store the link before and after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator

from ehr_bridge.db.states import LinkStatus

_IDS = ("patient_id", "order_id", "match_patient_id", "match_order_id", "withheld_by_id", "link_id")


@dataclass(frozen=True, slots=True)
class Link:
    """The patient and order of a study with the evidence: everything needed to restore the link later."""

    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    link_status: LinkStatus
    match_kind: str
    match_score: float
    match_evidence: list[dict[str, Any]]
    match_patient_id: uuid.UUID | None
    match_order_id: uuid.UUID | None
    is_contradicted: bool = False
    withheld_by_id: uuid.UUID | None = None
    link_id: uuid.UUID | None = None
    """The row of `study_links` in force; None for a link that is not set yet."""
    orthanc_study_id: str | None = None
    orders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the orders concerned showed (`order_states.order_shows`), by order id."""
    further_order_ids: tuple[uuid.UUID, ...] = ()
    """Orders that the study answers beside `order_id`."""
    made_here: bool = False
    """The order was made for the study, and was not in the EHR when the job was requested."""

    @property
    def order_ids(self) -> tuple[uuid.UUID, ...]:
        """The orders that the study answers, the primary one first."""
        return (self.order_id, *self.further_order_ids) if self.order_id is not None else ()

    def with_orders(self, order_ids: Sequence[uuid.UUID]) -> Link:
        """The same link to these orders, as a link that is not set yet."""
        first = order_ids[0] if order_ids else None
        further = tuple(order_ids[1:])
        return replace(self, order_id=first, match_order_id=first, further_order_ids=further, link_id=None, orders={})

    def to_json(self) -> dict[str, Any]:
        said = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in asdict(self).items()}
        return said | {"further_order_ids": list(map(str, self.further_order_ids))}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Link:
        """From what `to_json` of this or an earlier version wrote; earlier ones left out false values."""
        known: dict[str, Any] = {one.name: said[one.name] for one in fields(cls) if one.name in said}
        known |= {name: uuid.UUID(said[name]) for name in _IDS if said.get(name)}
        known["further_order_ids"] = tuple(map(uuid.UUID, said.get("further_order_ids", ())))
        status = LinkStatus(said["link_status"])
        return cls(**{"is_contradicted": status == LinkStatus.AMBIGUOUS, **known, "link_status": status})


class LinkColumn(TypeDecorator[Link]):
    """A column that holds a link as JSON."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Link | None, dialect: Dialect) -> dict[str, Any] | None:
        return value.to_json() if value is not None else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Link | None:
        return Link.from_json(value) if value else None
