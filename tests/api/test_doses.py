"""The dose that files state: read after they have come, kept with the study, and read again when it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydicom.uid import UID
from sqlalchemy import select

from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom.reading.dose import DOSED_IMAGES
from ehr_bridge.services.dashboard.dose_reading import DoseReading
from ehr_bridge.services.studies.availability import Availability
from tests.api.conftest import Api
from tests.support.dose_reports import ct_acquisition, ct_total, dose_report
from tests.support.samples import small

CT_STUDY, DX_STUDY, MR_STUDY = "1.2.77.1", "1.2.77.2", "1.2.77.3"


def settled(api: Api) -> int:
    """A while later: the studies are complete, and what is due has been read."""
    api.services.recorder.settle()
    later = datetime.now(UTC) + timedelta(hours=1)
    Availability(api.services.database, lambda: later, timedelta(minutes=1)).run()
    return DoseReading(api.services.database, api.archive, lambda: later).run()


def doses(api: Api) -> dict[str, StudyDose]:
    query = select(Study.study_instance_uid, StudyDose).join(StudyDose, StudyDose.study_id == Study.id)
    with api.services.database.read() as session:
        return {uid: dose for uid, dose in session.execute(query)}  # noqa: C416


def send(api: Api, data: bytes) -> None:
    answer = api.upload(data)
    assert answer.status_code == 201, answer.json


def test_a_dose_is_read_when_the_study_has_come(api: Api) -> None:
    """From its dose report; from its images where there is none; what states none has none, and MR is not looked at."""
    send(api, dose_report(ct_total(412.5), ct_acquisition(11.4, 412.5), StudyInstanceUID=CT_STUDY))
    dx = UID(DOSED_IMAGES[1])
    send(api, small(StudyInstanceUID=DX_STUDY, SOPClassUID=dx, Modality="DX", ImageAndFluoroscopyAreaDoseProduct="1.5"))
    send(api, small(StudyInstanceUID="1.2.77.4", SOPClassUID=dx, Modality="DX"))
    send(api, small(StudyInstanceUID=MR_STUDY))
    assert settled(api) == 3
    found = doses(api)
    ct, chest, silent = found[CT_STUDY], found[DX_STUDY], found["1.2.77.4"]
    assert (ct.source, ct.dlp, ct.ctdi_vol, ct.dap, ct.is_due) == ("report", 412.5, 11.4, None, False)
    assert (chest.source, round(chest.dap or 0, 3)) == ("images", 0.15)
    assert (silent.source, silent.dap, silent.is_due) == (None, None, False)
    assert MR_STUDY not in found
    assert settled(api) == 0, "nothing has changed"


def test_a_study_that_gets_more_images_is_read_again(api: Api) -> None:
    """A second acquisition brings a report of both."""
    send(api, dose_report(ct_total(100.0), ct_acquisition(5.0, 100.0, "2.25.1"), StudyInstanceUID=CT_STUDY))
    assert settled(api) == 1
    both = (ct_acquisition(5.0, 100.0, "2.25.1"), ct_acquisition(9.0, 200.0, "2.25.2"))
    send(api, dose_report(ct_total(300.0), *both, StudyInstanceUID=CT_STUDY))
    assert settled(api) == 1
    assert (doses(api)[CT_STUDY].dlp, doses(api)[CT_STUDY].ctdi_vol) == (300.0, 9.0)


def test_a_file_that_cannot_be_read_holds_nobody_up(api: Api) -> None:
    """It states nothing; that it is damaged is for the fixity checks to say."""
    send(api, dose_report(ct_total(100.0), StudyInstanceUID=CT_STUDY))
    api.services.recorder.settle()
    api.archive.instances.clear()
    assert settled(api) == 1
    assert (doses(api)[CT_STUDY].source, doses(api)[CT_STUDY].is_due) == (None, False)
