"""The group case: a header whose Request Attributes Sequence names several orders of one patient, done in one go.

Each item is judged by itself, like a header that names one order. Only where every known one is certain, and all are of
one patient, does the study answer all of them; otherwise the verdict is that of a header with the first item alone, and
says so. IHE Radiology Technical Framework, Scheduled Workflow, group case; PS3.3 table 10-9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from ehr_bridge.matching import Basis, Evidence, EvidenceGrade, HeaderIdentity, Match, MatchKind, OrderFacts, Rules
from ehr_bridge.matching.kinds import evidence_of_images
from ehr_bridge.matching.order_keys import has_key, keys_of
from ehr_bridge.services.verdict.lookup import give_opinion, orders_of_keys

FIELD = "RequestAttributesSequence"
UNKNOWN = Evidence.of(FIELD, None, EvidenceGrade.SILENT, "request_unknown")
UNCERTAIN = Evidence.against(FIELD, "request_uncertain")
OF_SEVERAL_PATIENTS = Evidence.against(FIELD, "requests_of_several_patients")


def opinion_on_all(session: Session, identity: HeaderIdentity, rules: Rules) -> Match:
    """The match of a study without a confirmation, with all orders that it answers; nothing is written."""
    single = give_opinion(session, identity, rules)
    if not identity.requests:
        return single
    named = orders_of_items(session, identity, rules)
    orders = {order.id: order for _, found in named for order in found}
    patients = {order.patient.id for order in orders.values()} | ({single.patient_id} - {None})
    if len(patients) > 1:
        evidence = (OF_SEVERAL_PATIENTS, *single.evidence)
        return replace(single, kind=MatchKind.AMBIGUOUS, evidence=evidence, is_automatic=False)
    unknown = () if all(found for _, found in named) else (UNKNOWN,)
    if len(orders) < 2:
        return replace(single, evidence=(*single.evidence, *unknown))
    verdicts = [give_opinion(session, said, rules) for said, found in named if found]
    if all(one.is_automatic for one in verdicts) and _agrees(session, identity, orders, rules):
        return _of_group(identity, orders, verdicts, rules, unknown)
    return replace(single, evidence=(*single.evidence, UNCERTAIN, *unknown))


def orders_of_items(
    session: Session, identity: HeaderIdentity, rules: Rules
) -> list[tuple[HeaderIdentity, list[OrderFacts]]]:
    """Each item as a header of its own, with the orders that its keys name; none where there are no several items."""
    items = [
        replace(
            identity,
            study_instance_uid="",
            accession_number=one.accession_number or ("" if position else identity.accession_number),
            issuer_of_accession_number=one.issuer_of_accession_number,
            scheduled_procedure_step_id=one.scheduled_procedure_step_id,
            requested_procedure_id=one.requested_procedure_id,
            body_part="",  # the images have one, the orders one each: see `_agrees`
            laterality="",
            requests=(),
        )
        for position, one in enumerate(identity.requests)
    ]
    return [(said, orders_of_keys(session, said, rules)) for said in items]


def _agrees(session: Session, identity: HeaderIdentity, orders: Mapping[UUID, OrderFacts], rules: Rules) -> bool:
    """Whether the header's own study UID and accession number are theirs or nobody's, and its images are of the body
    part and side that one of them asks for."""
    alone = replace(identity, scheduled_procedure_step_id="", requested_procedure_id="")
    own = {order.id for order in orders_of_keys(session, alone, rules)}
    lines = [evidence_of_images(identity, order) for order in orders.values()]
    return own <= orders.keys() and any(all(line.agrees is not False for line in of_one) for of_one in lines)


def _of_group(
    identity: HeaderIdentity,
    orders: Mapping[UUID, OrderFacts],
    verdicts: list[Match],
    rules: Rules,
    unknown: tuple[Evidence, ...],
) -> Match:
    """The primary order is the one whose accession number the header has, or else the first item's."""
    number = keys_of(identity, rules).get("accession_number")
    first = next((one for one in orders.values() if number and has_key(one, "accession_number", number)), None)
    ids = list(dict.fromkeys([*([first.id] if first else []), *orders]))
    numbers = ", ".join(orders[key].accession_number for key in ids)
    line = Evidence.of(FIELD, True, EvidenceGrade.SAME, "requests_of_orders", ehr=numbers)
    of_first = next(one for one in verdicts if one.order_id == ids[0])
    evidence, score = (line, *of_first.evidence, *unknown), min(one.score for one in verdicts)
    match = Match(MatchKind.EXACT, score, evidence, of_first.patient_id, basis=Basis.ORDER, is_automatic=True)
    return match.with_orders(ids)
