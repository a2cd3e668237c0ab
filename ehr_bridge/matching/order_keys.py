"""The keys that name an order, and what each such key of a header says about an order.

What one side does not know is never a contradiction: a modality makes its own study UIDs, and its worklist may come
from another system, whose accession numbers, step and procedure ids mean nothing here. Only a key of another one of our
orders contradicts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from ehr_bridge.matching.ids import plain_id
from ehr_bridge.matching.model import Evidence, EvidenceGrade, HeaderIdentity, OrderFacts
from ehr_bridge.matching.rules import Rules

FIELDS = {
    "study_instance_uid": ("StudyInstanceUID", "order_study_uid"),
    "accession_number": ("AccessionNumber", "order_number"),
    "scheduled_procedure_step_id": ("ScheduledProcedureStepID", "order_step"),
    "requested_procedure_id": ("RequestedProcedureID", "order_procedure"),
}
"""DICOM keyword, and the reason code for an agreement."""
OF_PROCEDURE = ("scheduled_procedure_step_id", "requested_procedure_id")
"""Keys that need not be unique: a step may be "1" in every procedure."""


def keys_of(header: HeaderIdentity, rules: Rules) -> dict[str, str]:
    """The values in a header that can name an order, by the name of the key."""
    said = {key: getattr(header, key) for key in rules.order_keys}
    if _is_foreign(header, rules):
        said.pop("accession_number", None)
    return {key: value for key, value in said.items() if value}


def known_keys(order: OrderFacts, key: str) -> tuple[str, ...]:
    """The order's values for this key, one per step where the key is the step's; for step and procedure the accession
    number where the EHR sent none."""
    if key in OF_PROCEDURE:
        return tuple(told or order.accession_number for told in told_ids(order, key))
    return (order.scheduled_study_instance_uid if key == "study_instance_uid" else order.accession_number,)


def told_ids(order: OrderFacts, key: str) -> tuple[str | None, ...]:
    """The order's step ids, or its procedure id, as sent by the EHR; None where it sent none."""
    if key == "scheduled_procedure_step_id":
        return tuple(step.scheduled_procedure_step_id for step in order.steps)
    return (order.requested_procedure_id,)


def has_key(order: OrderFacts, key: str, said: str) -> bool:
    """Whether the header's value for this key is the order's, or that of one of its steps."""
    return any(same_key(said, known) for known in known_keys(order, key))


def key_lines(
    header: HeaderIdentity, order: OrderFacts, rules: Rules, others: Sequence[OrderFacts] = ()
) -> tuple[Evidence, ...]:
    """What each key of the header says about the order; a study UID that the modality made is not mentioned.

    `others` are further orders that the header's keys name.
    """
    lines = []
    for key, said in keys_of(header, rules).items():
        field, reason = FIELDS[key]
        if has_key(order, key, said):
            grade = EvidenceGrade.SAME if said in known_keys(order, key) else EvidenceGrade.FORM
            lines.append(Evidence.of(field, True, grade, reason))
        elif (line := _of_another(key, said, order.patient.id, others)) is not None:
            lines.append(line)
        elif key != "study_instance_uid":
            lines.append(Evidence.of(field, None, EvidenceGrade.SILENT, "order_key_unknown"))
    return tuple(lines)


def lines_against(
    header: HeaderIdentity, patient_id: uuid.UUID, rules: Rules, orders: Iterable[OrderFacts]
) -> tuple[Evidence, ...]:
    """Keys of the header that contradict a patient: those of an order of somebody else."""
    theirs = [order for order in orders if order.patient.id != patient_id]
    lines = (_of_another(key, said, patient_id, theirs) for key, said in keys_of(header, rules).items())
    return tuple(line for line in lines if line is not None)


def _of_another(key: str, said: str, patient_id: uuid.UUID, others: Iterable[OrderFacts]) -> Evidence | None:
    """Evidence that the key belongs to another order, and whether its patient is the same."""
    holders = [order for order in others if has_key(order, key, said)]
    if not holders:
        return None
    is_theirs = all(order.patient.id == patient_id for order in holders)
    return Evidence.against(FIELDS[key][0], "order_other" if is_theirs else "order_of_another")


def pointed_to(
    named: Sequence[OrderFacts], by_procedure: Mapping[str, Sequence[OrderFacts]], said: Mapping[str, str]
) -> list[OrderFacts]:
    """All orders that a header's keys name; if there are several, they contradict each other.

    `named` have its study UID or accession number, `by_procedure` its step or procedure id, by the name of the key. An
    id that several orders share names none of them, but contradicts an order with another id.
    """
    found = {order.id: order for order in named or _of_both(by_procedure, said)}
    for key, holders in by_procedure.items():
        if any(has_key(order, key, said[key]) for order in found.values()):
            continue
        is_told = any(any(told_ids(order, key)) for order in found.values())
        if len(holders) == 1 or is_told:
            found |= {order.id: order for order in holders}
    return list(found.values())


def _of_both(by_procedure: Mapping[str, Sequence[OrderFacts]], said: Mapping[str, str]) -> Sequence[OrderFacts]:
    """The order with this step of this requested procedure, if it is the only one."""
    step, procedure = OF_PROCEDURE
    if step not in said or procedure not in said:
        return []
    both = [order for order in by_procedure[procedure] if has_key(order, step, said[step])]
    return both if len(both) == 1 else []


def same_key(said: str, known: str) -> bool:
    """Whether two keys are equal without case, blanks and leading zeros."""
    return plain_key(said) == plain_key(known)


def plain_key(key: str) -> str:
    return key.strip().casefold().lstrip("0")


def is_nearly(said: str, known: str) -> bool:
    """Whether two keys have the same letters and digits, without punctuation and zeros after a prefix: ACC-0017, acc
    17.

    Too little to be the same number, too much to be an unrelated one.
    """
    return plain_id(said) == plain_id(known)


def _is_foreign(header: HeaderIdentity, rules: Rules) -> bool:
    """Whether another issuer gave the accession number."""
    if rules.accession_issuer is None or not header.issuer_of_accession_number:
        return False
    return not same_key(header.issuer_of_accession_number, rules.accession_issuer)
