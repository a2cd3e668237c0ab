"""The reasons of evidence, as codes that a program or a page can translate, and in English.

A page shows them beside the name of the field and whether it agrees, so they only add to that.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ehr_bridge.matching.person_names import Grade

_PARTS: Final = {
    Grade.PART: "part of the {part} is missing on one side",
    Grade.NEAR: "a typing error in the {part}",
    Grade.SOUND: "the {part} sounds the same but is spelled differently",
    Grade.SIMILAR: "the {part} is only similar",
    Grade.INITIAL: "only an initial for the {part}",
    Grade.DIFFERENT: "another {part}",
    Grade.SILENT: "no {part} on one side",
}
_OF_PARTS: Final = {
    f"{part}_{grade}": words.format(part=part.replace("_", " "))
    for part in ("family_name", "given_name")
    for grade, words in _PARTS.items()
}

REASONS: Final = MappingProxyType(
    {
        "confirmed": "confirmed by the sender",
        "linked_by_hand": "linked by a person",
        "linked_before": "as when this study was linked on {date}",
        "study_of_another": "other images of this study belong to another person",
        "stored_first": "stored before it could be linked; a job links it",
        "nobody_fits": "no order and no patient matches the file",
        "id_same": "the patient ID in the file is this patient's MRN",
        "id_form": "this patient's MRN, written differently",
        "id_digit": "this patient's MRN except for a typing error: a digit wrong, missing, added or swapped",
        "id_neighbour": "one digit from this patient's MRN: relatives registered together often have such numbers",
        "id_other": "the patient ID in the file is not this patient's MRN",
        "id_other_issuer": "the patient ID in the file was given by another issuer",
        "id_shared": "this patient's MRN, which another issuer gave to another patient; the file names no issuer",
        "id_of_merged": "a record that was merged into another one has this number from another issuer",
        "id_missing": "the file has no patient ID",
        "id_of_another": "the patient ID in the file is another patient's MRN",
        "id_and_rest_apart": "the patient ID in the file is one patient's MRN, but the rest fits another patient",
        "id_used_again": "the number may now belong to another person; a person must decide that first",
        "id_slip_alone": "the patient ID has a typing error, and too little else agrees",
        "name_same": "the same name",
        "name_form": "the same name, written differently",
        "name_missing": "one side has no name",
        "name_swapped": "family name and given name are swapped",
        "middle_name_missing": "only one side has the full middle name",
        "generation_other": "another generation, as father and son (Jr. and Sr.)",
        **_OF_PARTS,
        "name_and_date_other": "another name and another birth date",
        "name_other_unconfirmed": "another name, and no birth date that confirms the patient ID",
        "nothing_confirms_id": "neither name nor birth date confirms the patient ID",
        "name_needed": "without the MRN, family name and given name must both agree: relatives share one of them",
        "date_needed": "without the MRN, the birth date must agree: others have the same name",
        "date_needed_exactly": "without the MRN, every digit of the birth date must agree: others have the same name",
        "date_inexact_other_id": "another patient ID, and not every digit of the birth date agrees",
        "date_other_name_inexact": "another birth date, and the name does not fully agree",
        "birth_date_same": "the same birth date",
        "birth_date_swapped": "day and month are swapped",
        "birth_date_digit": "a wrong digit, or two digits swapped",
        "birth_date_year": "the same day and month, another year",
        "birth_date_other": "another birth date",
        "birth_date_missing": "one side has no birth date",
        "sex_same": "the same sex",
        "sex_other": "another sex",
        "sex_missing": "one side has no sex",
        "two_fit": "two patients fit equally well",
        "another_fits_nearly": "another patient fits nearly as well",
        "another_fits_as_well": "name and birth date fit another patient at least as well",
        "another_fits_better": "name and birth date fit another patient better",
        "another_fits_two_better": "two of family name, given name and birth date fit another patient better",
        "order_study_uid": "the study UID given to this order",
        "order_number": "this order's accession number",
        "order_step": "this order's procedure step",
        "order_procedure": "this order's requested procedure",
        "order_number_nearly": "this patient's order {ehr} except for one digit or letter",
        "order_other": "belongs to another order of this patient",
        "order_of_another": "belongs to an order of another patient",
        "order_key_unknown": "no order here has this number",
        "order_cancelled": "the order is cancelled",
        "order_keys_apart": "the numbers in the file belong to different orders",
        "order_only_one": "the patient's only open order that fits modality and date",
        "order_several": "several open orders of this patient fit",
        "requests_of_orders": "the file names the orders {ehr}, all of this patient",
        "requests_of_several_patients": "the file names orders of different patients",
        "request_uncertain": "the file names further orders, of which it is not certain that the study answers them",
        "request_unknown": "the file names a further order that is not here",
        "image_same": "{file}, as ordered",
        "image_akin": "{file} goes with {ehr}, which is ordered",
        "image_other": "{file}, but {ehr} is ordered",
        "image_incomparable": "{file} and {ehr} cannot be compared",
    }
)
"""By code."""


def words_of(reasons: tuple[str, ...], values: dict[str, str]) -> str:
    """Reasons in English. Raises KeyError for an unknown code or a missing value."""
    return ", ".join(REASONS[reason].format(**values) for reason in reasons)
