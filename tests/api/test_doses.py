"""The dose that files state: read after they have come, kept with the study, and read again when it changes."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pydicom
import pytest
from pydicom.uid import UID, generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom.reading.dose import DOSED_IMAGES
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.dashboard import dose_reading
from ehr_bridge.services.dashboard.dose_reading import DoseReading
from ehr_bridge.services.studies.availability import Availability
from tests.api.conftest import Api
from tests.api.rejection_steps import look, rejected
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


@pytest.mark.parametrize("content", [b"UN\0\0\4\0\0\0abcd", b"LO\4\0abcd"])
def test_a_malformed_dose_report_holds_nobody_up(api: Api, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Its content is no sequence, which shows only when it is looked at. It states nothing, also not the next time."""
    monkeypatch.setattr(dose_reading, "AT_ONCE", 1)
    send(api, dose_report(ct_total(100.0), StudyInstanceUID=CT_STUDY))
    api.services.recorder.settle()
    (key,) = api.archive.instances
    head = pydicom.dcmread(io.BytesIO(api.archive.instances[key]))
    del head.ContentSequence
    file = io.BytesIO()
    head.save_as(file, enforce_file_format=True)
    api.archive.instances[key] = file.getvalue() + b"\x40\x00\x30\xa7" + content
    send(api, dose_report(ct_total(200.0), StudyInstanceUID="1.2.77.5"))
    assert settled(api) + settled(api) == 2
    found = doses(api)
    assert (found[CT_STUDY].is_due, found[CT_STUDY].source) == (False, None)
    assert (found["1.2.77.5"].is_due, found["1.2.77.5"].dlp) == (False, 200.0)


class Shelf:
    """The archive with a disk that is away for some files; or somebody works on the study when one is opened."""

    def __init__(self, api: Api, fails: Callable[[str], object]) -> None:
        self._archive = api.archive
        self.fails = fails

    def open(self, key: str) -> io.BufferedIOBase:
        self.fails(key)
        return self._archive.open(key)

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)


@pytest.mark.parametrize(
    "error", [NotADirectoryError(errno.ENOTDIR, "unmounted"), OSError(errno.EIO, "broken"), LookupError("silent")]
)
def test_a_disk_that_is_away_is_no_study_without_a_dose(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Its studies are read when it is back; those on other disks are read meanwhile, whichever came first."""
    monkeypatch.setattr(dose_reading, "AT_ONCE", 1)
    for number in (1, 2):
        send(api, dose_report(ct_total(100.0 * number), StudyInstanceUID=f"1.2.78.{number}"))
    api.services.recorder.settle()
    later = datetime.now(UTC) + timedelta(hours=1)
    Availability(api.services.database, lambda: later, timedelta(minutes=1)).run()
    due = api.services.database
    with due.read() as session:
        first = session.scalars(select(StudyDose.study_id).order_by(StudyDose.study_id)).first()
        uid = session.get_one(Study, first).study_instance_uid
    api.archive.refuses = Unavailable("archive_unavailable", "", 1) if isinstance(error, LookupError) else None

    def fails(key: str) -> None:
        if key in api.archive.instances_of(uid):
            raise error

    shelf = Shelf(api, fails)
    reading = DoseReading(due, shelf, lambda: later)  # type: ignore[arg-type]
    assert [reading.run(), reading.run(), reading.run()] == [0, 1, 0]
    assert {key: dose.is_due for key, dose in doses(api).items()} == {
        one: one == uid for one in ("1.2.78.1", "1.2.78.2")
    }
    shelf.fails = lambda _: None
    assert reading.run() == 1 and all(dose.source == "report" for dose in doses(api).values())


def a_scan_with_report(api: Api) -> str:
    """A CT study of an order: an image, and the dose report, whose UID is answered."""
    order, report = api.place_order("ACC-1", "MRN-1"), str(generate_uid())
    for data in (
        small(StudyInstanceUID=CT_STUDY, Modality="CT"),
        dose_report(ct_total(900.0), StudyInstanceUID=CT_STUDY, SOPInstanceUID=report),
    ):
        assert api.upload(data, headers={"X-Order-Id": order["id"]}).status_code == 201
    return report


def test_the_dose_leaves_a_study_with_its_report(api: Api) -> None:
    """It was another person's: rejected or moved, it is not said of this patient any more."""
    report = a_scan_with_report(api)
    assert settled(api) == 1 and doses(api)[CT_STUDY].dlp == 900.0
    rejected(api, CT_STUDY, [report])
    look(api)
    settled(api)
    assert CT_STUDY not in doses(api)


def test_a_report_that_leaves_while_it_is_read_is_not_kept(api: Api) -> None:
    """What was read is not of the study any more when it is written down: the study is read again."""
    report = a_scan_with_report(api)
    send(api, dose_report(ct_total(50.0), StudyInstanceUID=CT_STUDY))
    api.services.recorder.settle()
    later = datetime.now(UTC) + timedelta(hours=1)
    Availability(api.services.database, lambda: later, timedelta(minutes=1)).run()
    done: list[str] = []

    def works(key: str) -> None:
        if not done:
            done.append(key)
            rejected(api, CT_STUDY, [report])
            look(api)
            Availability(api.services.database, lambda: later, timedelta(minutes=1)).run()

    reading = DoseReading(api.services.database, Shelf(api, works), lambda: later)  # type: ignore[arg-type]
    assert reading.run() == 0 and doses(api)[CT_STUDY].is_due
    assert reading.run() == 1 and doses(api)[CT_STUDY].dlp == 50.0
