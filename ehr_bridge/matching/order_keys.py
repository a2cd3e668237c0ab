"""What points to an order by itself, and what each such key of a header says of an order.

What one side does not know is never a contradiction: a modality makes study UIDs of its own, and the worklist it asked
may be of another system, whose step and procedure ids mean nothing here. Only an id of another order of ours does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ehr_bridge.matching.model import Evidence, EvidenceGrade, HeaderIdentity, OrderFacts
from ehr_bridge.matching.rules import Rules

FIELDS = {
    "study_instance_uid": ("StudyInstanceUID", "the study UID given to the order"),
    "accession_number": ("AccessionNumber", "the order's accession number"),
    "scheduled_procedure_step_id": ("ScheduledProcedureStepID", "the step of the order"),
    "requested_procedure_id": ("RequestedProcedureID", "the requested procedure of the order"),
}
OF_PROCEDURE = ("scheduled_procedure_step_id", "requested_procedure_id")
"""Keys that need not be unique: a step may be "1" in every procedure."""


def keys_of(header: HeaderIdentity, rules: Rules) -> dict[str, str]:
    """What a header says that can point to an order, by the name of the key."""
    said = {key: getattr(header, key) for key in rules.order_keys}
    if _is_foreign(header, rules):
        said.pop("accession_number", None)
    return {key: value for key, value in said.items() if value}


def known_key(order: OrderFacts, key: str) -> str:
    """What an order has as this key; for its step and procedure the accession number where the EHR told none."""
    if key in OF_PROCEDURE:
        return getattr(order, key) or order.accession_number
    return order.scheduled_study_instance_uid if key == "study_instance_uid" else order.accession_number


def key_lines(header: HeaderIdentity, order: OrderFacts, rules: Rules) -> tuple[Evidence, ...]:
    """What each key of the header says of the order; a study UID of the modality's own is not even mentioned."""
    lines = []
    for key, said in keys_of(header, rules).items():
        field, detail = FIELDS[key]
        known = known_key(order, key)
        if same_key(said, known):
            grade = EvidenceGrade.SAME if said == known else EvidenceGrade.FORM
            lines.append(Evidence(field, True, grade, detail))
        elif key == "accession_number":
            lines.append(Evidence.against(field, f"not {detail}"))
        elif key in OF_PROCEDURE:
            lines.append(Evidence(field, None, EvidenceGrade.SILENT, "an id that no order here has"))
    return tuple(lines)


def pointed_to(
    named: Sequence[OrderFacts], by_procedure: Mapping[str, Sequence[OrderFacts]], said: Mapping[str, str]
) -> list[OrderFacts]:
    """The orders that a header's keys point to, all in all; more than one contradict each other.

    `named` have its study UID or accession number, `by_procedure` its step or procedure id, by the name of the key. An
    id that several orders have points to none of them, but away from an order that has another.
    """
    found = {order.id: order for order in named or _of_both(by_procedure, said)}
    for key, holders in by_procedure.items():
        if any(same_key(said[key], known_key(order, key)) for order in found.values()):
            continue
        is_told = any(getattr(order, key) for order in found.values())
        if len(holders) == 1 or is_told:
            found |= {order.id: order for order in holders}
    return list(found.values())


def _of_both(by_procedure: Mapping[str, Sequence[OrderFacts]], said: Mapping[str, str]) -> Sequence[OrderFacts]:
    """The order with this step of this requested procedure, if it is the only one."""
    step, procedure = OF_PROCEDURE
    if step not in said or procedure not in said:
        return []
    both = [order for order in by_procedure[procedure] if same_key(said[step], known_key(order, step))]
    return both if len(both) == 1 else []


def same_key(said: str, known: str) -> bool:
    """Whether two keys are one, apart from case, blanks and leading zeros."""
    return said.strip().casefold().lstrip("0") == known.strip().casefold().lstrip("0")


def _is_foreign(header: HeaderIdentity, rules: Rules) -> bool:
    """Whether somebody else gave the accession number."""
    if rules.accession_issuer is None or not header.issuer_of_accession_number:
        return False
    return not same_key(header.issuer_of_accession_number, rules.accession_issuer)
