"""People, the EHR and senders do whatever comes to their mind to a few studies; at the end everything must agree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.services.identity.attributes import patient_in_files, person_name
from ehr_bridge.services.identity.reading_rank import rank_of_order, rank_of_study
from ehr_bridge.services.registry.order_states import plain
from tests.api.conftest import Api
from tests.api.link_steps import identities
from tests.api.walk_steps import Walk

WALKS = int(os.environ.get("RANDOM_WALKS", "4"))


def disagreements(api: Api) -> list[str]:
    """What does not agree between studies, their links, orders, and files."""
    api.services.recorder.settle()
    found: list[str] = []
    with api.services.database.read() as session:
        studies = {study.study_instance_uid: study for study in session.scalars(select(Study))}
        for uid, study in studies.items():
            found += [f"{uid}: {what}" for what in _of_study(api, session, study)]
        for order in session.scalars(select(Order)):
            answering = [study for study in studies.values() if study.order_id == order.id]
            shown = studies.get(order.study_instance_uid) if order.orthanc_study_id is not None else None
            if (shown is None) != (not answering) or (shown is not None and shown not in answering):
                found.append(f"{order.accession_number}: shows {shown and shown.study_instance_uid}")
            if shown is not None and order.number_of_images != shown.number_of_instances:
                found.append(f"{order.accession_number}: {order.number_of_images} images")
            if (order.status in {"in_progress", "scheduled", "arrived"}) and (order.status == "in_progress") != bool(
                answering
            ):
                found.append(f"{order.accession_number}: is {order.status} with {len(answering)} studies")
        for row in (*session.scalars(select(Patient)), *session.scalars(select(Order))):
            found += [f"{row.id}: differs from the EHR in {what}" for what in _beside_the_ehr(row)]
    return found


def _beside_the_ehr(row: Patient | Order) -> list[str]:
    """What is remembered of the EHR, although it had said nothing, or says the same."""
    told = row.ehr_says or {}
    return [name for name, value in told.items() if row.registered_here or plain(getattr(row, name)) == value]


def _of_study(api: Api, session: Any, study: Study) -> list[str]:
    found: list[str] = []
    facts = session.scalars(
        select(StudyLink).where(StudyLink.study_id == study.id, StudyLink.unlinked_at.is_(None))
    ).all()
    held = [(fact.patient_id, fact.order_id) for fact in facts]
    if held != ([(study.patient_id, study.order_id)] if study.patient_id else []):
        found.append("the recorded fact is another")
    if study.order is not None and study.order.patient_id != study.patient_id:
        found.append("its order is another patient's")
    if study.patient is not None and study.patient.merged_into_id is not None:
        found.append("its record was merged away")
    rank = rank_of_study(rank_of_order(one.status, one.priority) for one in study.orders)
    if study.reading_rank != rank:
        found.append(f"it waits for a report as {study.reading_rank} and not as {rank}")
    is_withheld = study.withheld_by_id is not None and not study.is_contradicted
    if is_withheld and study.link_status != "ambiguous":
        found.append("it is withheld, and nobody is asked")
    if study.link_status != "ambiguous":
        patient, order = study.patient, study.order
        expected = (patient.mrn, person_name(patient)) if isinstance(patient, Patient) else ("SCAN-7", "SCANNER^NAME")
        number = order.accession_number if order is not None else ""
        said: set[tuple[str, ...]] = {(each[0], each[1], each[4]) for each in identities(api, study.study_instance_uid)}
        if said != {(*expected, number)}:
            found.append(f"its files say {said} and not {(*expected, number)}")
    if is_withheld:
        former = patient_in_files(study)
        said = {each[:2] for each in identities(api, study.study_instance_uid)}
        if former is None or said != {(former.mrn, person_name(former))}:
            found.append(f"it is withheld, and its files say {said}")
    return found


@pytest.mark.parametrize("seed", range(WALKS))
def test_whatever_happens_rows_and_files_agree_at_the_end(api: Api, tmp_path: Path, seed: int) -> None:
    """Links, orders, recorded facts and every file; with RANDOM_WALKS=100 there are a hundred of them."""
    walk = Walk(api, tmp_path, seed + int(os.environ.get("RANDOM_SEED", "0")))
    walk.run()
    assert disagreements(api) == [], "\n".join(walk.done)
