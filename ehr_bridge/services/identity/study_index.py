"""The index for listing and finding studies: keys on `studies` and parts of names, derived from what is recorded.

Whoever changes what a study is listed under (patient, order, corrections, date, modalities) calls `index_study` or
`index_studies_of_patients` in the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from ehr_bridge.db.rows import add_rows
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.match_keys import StudyName, StudySopClass
from ehr_bridge.db.tables.second_looks import SecondLook, StudyMatchKey
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.matching import HeaderIdentity
from ehr_bridge.matching.keys import study_keys
from ehr_bridge.matching.names import KEY_LENGTH, name_index, name_key
from ehr_bridge.services.identity.attributes import patient_in_files, stored_identity
from ehr_bridge.services.identity.persons import name_of, said_by

_KEYS_OF = delete(StudyMatchKey).where(StudyMatchKey.study_id == bindparam("of_study"))
_CLASSES_OF = delete(StudySopClass).where(StudySopClass.study_id == bindparam("of_study"))
_NAMES_OF = delete(StudyName).where(StudyName.study_id == bindparam("of_study"))


def shown_name(study: Study) -> str:
    """The name a study is listed under: the EHR's, or else the file's; '' without either."""
    return name_of(patient_in_files(study), said_by(study))


def shown_accession_number(study: Study) -> str:
    """The accession number a study is listed under: its order's, or else the file's."""
    said = said_by(study).get("AccessionNumber")
    return str((study.order.accession_number if study.order else said) or "")


def modality_key(modalities: Iterable[str]) -> str:
    """Modalities as one text in which each can be searched: |CT|SR|."""
    return "".join(f"|{modality}" for modality in modalities)[: KEY_LENGTH - 1] + "|"


def note_sop_classes(session: Session, study: Study, sop_classes: Collection[str]) -> None:
    """The SOP Classes of a study's images, by which it is found."""
    key = "".join(f"|{uid}" for uid in sorted(sop_classes)) + "|"
    if key == study.sop_class_key:
        return
    if study.sop_class_key:
        session.execute(_CLASSES_OF, {"of_study": study.id})
    study.sop_class_key = key
    session.flush()
    add_rows(session, StudySopClass, [{"study_id": study.id, "sop_class_uid": uid} for uid in sorted(sop_classes)])


def index_study(session: Session, study: Study) -> None:
    """Update everything that lists use, from a study's row and its patient and order."""
    session.flush()
    session.refresh(study, ["patient", "order"])
    list_study(session, study)


def list_study(session: Session, study: Study) -> None:
    """Like `index_study`, for a row whose loaded patient and order are current."""
    name = shown_name(study)
    study.patient_name_key = name_key(name)
    study.accession_key = shown_accession_number(study)[:KEY_LENGTH]
    study.patient_id_key = str(said_by(study).get("PatientID") or "")[:KEY_LENGTH]
    study.study_date_key = study.study_date or date.min
    study.modality_key = modality_key(study.modalities)
    session.execute(_NAMES_OF, {"of_study": study.id})
    rows = [{"study_id": study.id, "part": part.text, "place": part.place.value} for part in name_index(name)]
    if rows:
        session.execute(insert(StudyName), rows)
    if study.link_status != LinkStatus.LINKED:
        session.execute(_KEYS_OF, {"of_study": study.id})
        index_waiting(session, study.id, stored_identity(study))


def unlist(session: Session, study: Study) -> None:
    """A study whose images are permanently gone: no list shows it, and it waits for no link."""
    study.patient_name_key = study.accession_key = study.patient_id_key = ""
    study.modality_key = study.sop_class_key = ""
    study.study_date_key = date.min
    for of_study in (_NAMES_OF, _KEYS_OF, _CLASSES_OF):
        session.execute(of_study, {"of_study": study.id})
    session.execute(delete(SecondLook).where(SecondLook.study_id == study.id))


def index_waiting(session: Session, study_id: uuid.UUID, identity: HeaderIdentity) -> None:
    """Store the keys of a study that has none yet: one without a certain link, or with an unknown accession number."""
    rows = [{"study_id": study_id, "key": key} for key in sorted(study_keys(identity))]
    if rows:
        session.execute(insert(StudyMatchKey), rows)


def index_studies_of_patients(session: Session, patient_ids: Collection[uuid.UUID]) -> None:
    """Like `index_study`, for every study of patients whose names have changed."""
    session.flush()
    for study in session.scalars(select(Study).where(Study.patient_id.in_(patient_ids))):
        index_study(session, study)
