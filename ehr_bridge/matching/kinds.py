"""What kind of images these are, and of what: modality, body part and side, compared by families.

A family is what may answer one order: a chest X-ray comes as CR or DX, a PET from a hybrid scanner as PT and CT. Terms
of one family agree. A term without a family here, or that does not describe images, never counts against a study.
Terms: PS3.3 section C.7.3.1.1.1 (Modality), PS3.16 annex L (Body Part Examined), PS3.3 section C.7.3.1 (Laterality).
"""

from __future__ import annotations

import re

from ehr_bridge.matching.model import Evidence, EvidenceGrade, HeaderIdentity, OrderFacts

type Families = tuple[frozenset[str], ...]


def _families(*lines: str) -> Families:
    return tuple(frozenset(line.split()) for line in lines)


MODALITIES = _families(
    "CR DX RG RF XA PX IO",
    "DX BMD",
    "MG",
    "CT PT",
    "CT NM",
    "MR PT",
    "NM PT",
    "US BDUS IVUS",
    "XA IVUS IVOCT HD",
    "ES XC DMS",
    "GM SM",
    "OP OPT OPTBSV OPTENF OPM OPV OCT OAM AR KER LEN SRF VA IOL OSS",
    "ECG EPS HD RESP",
    "EEG EMG EOG",
)
"""SR, PR, KO, SEG, OT, DOC and treatment objects have none: they accompany images of any kind."""
MODALITY_WORDS = {"XR": "CR", "DR": "DX", "MRI": "MR", "PET": "PT", "XRAY": "CR", "MAMMO": "MG"}
"""Words in orders for the terms of DICOM."""

BODY_PARTS = _families(
    "HEAD HEADNECK BRAIN SKULL FACE ORBIT EYE SINUS PARANASALSINUS NOSE EAR IAC PITUITARY SELLA ZYGOMA",
    "HEAD FACE JAW MANDIBLE MAXILLA TMJ TEETH TOOTH",
    "HEADNECK NECK THYROID LARYNX PHARYNX CAROTID CSPINE",
    "CHEST CHESTABDOMEN CHESTABDPELVIS THORAX LUNG RIB STERNUM HEART CORONARYARTERY AORTA MEDIASTINUM ESOPHAGUS BREAST",
    "CHESTABDOMEN CHESTABDPELVIS ABDOMENPELVIS ABDOMEN PELVIS",
    "ABDOMEN ABDOMENPELVIS LIVER KIDNEY PANCREAS SPLEEN GALLBLADDER BILEDUCT STOMACH COLON BOWEL ADRENAL AORTA URETER",
    "PELVIS ABDOMENPELVIS PROSTATE BLADDER UTERUS OVARY RECTUM TESTIS HIP SSPINE COCCYX SIJOINT",
    "SPINE CSPINE CTSPINE",
    "SPINE TSPINE CTSPINE TLSPINE",
    "SPINE LSPINE TLSPINE LSSPINE",
    "SPINE SSPINE LSSPINE COCCYX SIJOINT",
    "EXTREMITY ARM SHOULDER CLAVICLE SCAPULA ACJOINT HUMERUS",
    "EXTREMITY ARM HUMERUS ELBOW FOREARM",
    "EXTREMITY ARM FOREARM WRIST HAND",
    "EXTREMITY HAND FINGER THUMB",
    "EXTREMITY LEG HIP FEMUR THIGH",
    "EXTREMITY LEG FEMUR THIGH KNEE PATELLA TIBIA",
    "EXTREMITY LEG TIBIA ANKLE FOOT",
    "EXTREMITY FOOT TOE CALCANEUS ANKLE",
)
"""Neighbours are one family: the wrist is in the picture of a hand."""
BODY_PART_WORDS = {
    "ABD": "ABDOMEN", "ABDPEL": "ABDOMENPELVIS", "ABDOMENANDPELVIS": "ABDOMENPELVIS", "CERVICALSPINE": "CSPINE",
    "CHESTABDOMENPELVIS": "CHESTABDPELVIS", "CAP": "CHESTABDPELVIS", "CRANIUM": "SKULL", "HEEL": "CALCANEUS",
    "LUMBARSPINE": "LSPINE", "THORACICSPINE": "TSPINE", "SACRUM": "SSPINE", "LUNGS": "LUNG", "RIBS": "RIB",
    "UPPERLEG": "FEMUR", "LOWERLEG": "TIBIA", "TIBFIB": "TIBIA", "FIBULA": "TIBIA", "UPPERARM": "HUMERUS",
    "RADIUS": "FOREARM", "ULNA": "FOREARM", "CARDIAC": "HEART", "CORONARY": "CORONARYARTERY", "MAMMA": "BREAST",
    "SINUSES": "SINUS", "ORBITS": "ORBIT", "FINGERS": "FINGER", "TOES": "TOE", "HEADBRAIN": "BRAIN",
}  # fmt: skip

SIDES = _families("L B", "R B")
"""An image of both sides shows either side."""
SIDE_WORDS = {"LEFT": "L", "RIGHT": "R", "BOTH": "B", "BILATERAL": "B", "LT": "L", "RT": "R"}

FIELDS = (
    ("BodyPartExamined", "body_part", BODY_PARTS, BODY_PART_WORDS),
    ("Laterality", "laterality", SIDES, SIDE_WORDS),
)
"""DICOM keyword, attribute of header and order, and how their values are compared."""
_NEAREST = (EvidenceGrade.SAME, EvidenceGrade.FORM, EvidenceGrade.SILENT, EvidenceGrade.OTHER)


def compare_terms(said: str, known: str, families: Families, words: dict[str, str]) -> EvidenceGrade:
    """How a term of a header compares with one of an order; silent where either is empty or has no family."""
    theirs, ours = _term(said, words), _term(known, words)
    of_theirs = {number for number, family in enumerate(families) if theirs in family}
    of_ours = {number for number, family in enumerate(families) if ours in family}
    if not (of_theirs and of_ours):
        return EvidenceGrade.SILENT
    if said == known:
        return EvidenceGrade.SAME
    return EvidenceGrade.FORM if theirs == ours or of_theirs & of_ours else EvidenceGrade.OTHER


def compare_modalities(said: str, known: str) -> EvidenceGrade:
    """How the modality of images compares with that of an order."""
    return compare_terms(said, known, MODALITIES, MODALITY_WORDS)


def answering_modalities() -> dict[str, frozenset[str]]:
    """For each term of an order, the terms that answer it; for all terms that can be compared."""
    terms = frozenset().union(*MODALITIES)
    akin = {term: frozenset().union(*(family for family in MODALITIES if term in family)) for term in terms}
    return akin | {word: akin[term] | {word} for word, term in MODALITY_WORDS.items()}


def evidence_of_images(header: HeaderIdentity, order: OrderFacts) -> tuple[Evidence, ...]:
    """Whether these are the images that the order asks for: one line for each field that both sides have.

    Of several steps, the one with the nearest modality is compared.
    """
    grades = [(compare_modalities(header.modality, step.modality), step.modality) for step in order.steps]
    grade, modality = min(grades, key=lambda one: _NEAREST.index(one[0]))
    compared = [("Modality", header.modality, modality, grade)]
    for keyword, name, families, words in FIELDS:
        said, known = getattr(header, name), getattr(order, name) or ""
        compared.append((keyword, said, known, compare_terms(said, known, families, words)))
    return tuple(_line(*one) for one in compared if one[1] and one[2])


def _line(keyword: str, said: str, known: str, grade: EvidenceGrade) -> Evidence:
    match grade:
        case EvidenceGrade.SAME:
            return Evidence.of(keyword, True, grade, "image_same", file=said)
        case EvidenceGrade.FORM:
            return Evidence.of(keyword, True, grade, "image_akin", file=said, ehr=known)
        case EvidenceGrade.OTHER:
            return Evidence.against(keyword, "image_other", file=said, ehr=known)
        case _:
            return Evidence.of(keyword, None, grade, "image_incomparable", file=said, ehr=known)


def _term(text: str, words: dict[str, str]) -> str:
    """A term as the families have it: "L SPINE" and "l-spine" are LSPINE."""
    plain = re.sub(r"[\W_]+", "", text).upper()
    return words.get(plain, plain)
