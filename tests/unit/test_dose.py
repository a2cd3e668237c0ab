"""The dose that files state: reports by TID 10011 and 10001, and attributes of images."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from ehr_bridge.dicom.reading.dose import StatedDose, of_images, of_reports, read_image, read_report
from tests.support.dose_reports import code, container, ct_acquisition, ct_total, exposure, number, tree


def test_a_ct_report_says_dlp_and_the_largest_ctdi() -> None:
    """The total is the device's own; the scout's little dose is in it."""
    report = read_report(tree(ct_total(412.5), ct_acquisition(0.2, 8.5), ct_acquisition(11.4, 404.0)))
    assert of_reports([report]) == StatedDose(ctdi_vol=11.4, dlp=412.5)


def test_an_event_in_two_reports_counts_once() -> None:
    """Devices send a report after each acquisition, and one of all of them at the end."""
    first = read_report(tree(ct_total(100.0), ct_acquisition(5.0, 100.0, "2.25.1")))
    last = read_report(
        tree(ct_total(300.0), ct_acquisition(5.0, 100.0, "2.25.1"), ct_acquisition(9.0, 200.0, "2.25.2"))
    )
    assert of_reports([first, last]) == StatedDose(ctdi_vol=9.0, dlp=300.0)


def test_reports_without_events_are_not_added_up() -> None:
    """They may be of the same events: the larger total is certain, their sum is not."""
    assert of_reports([read_report(tree(ct_total(100.0))), read_report(tree(ct_total(300.0)))]).dlp == 300.0


def test_a_projection_report_says_dap_and_glandular_dose() -> None:
    """Gy·m² become Gy·cm², of all exposures; the glandular dose is that of a usual one."""
    report = read_report(tree(exposure(0.00002, 1.2), exposure(0.00003, 1.6)))
    found = of_reports([report])
    assert found.dap == pytest.approx(0.5)
    assert found.agd == pytest.approx(1.4)


def test_units_that_nobody_knows_and_odd_numbers_are_passed_over() -> None:
    """A dose in another unit is worse than none."""
    odd = container(
        code("113811", "CT Accumulated Dose Data"),
        [
            number(code("113813", "CT Dose Length Product Total"), 400, "mSv"),
            number(code("113813", "CT Dose Length Product Total"), "-1", "mGy.cm"),
            container(code("113813", "CT Dose Length Product Total"), []),
        ],
    )
    assert not of_reports([read_report(tree(odd))]).is_known
    assert not of_reports([read_report(Dataset())]).is_known


def test_images_say_dap_and_glandular_dose() -> None:
    """(0018,115E) is in dGy·cm², (0040,0316) in dGy; the organ dose of an X-ray of the chest is none of a breast."""
    chest, breast = Dataset(), Dataset()
    chest.Modality, chest.ImageAndFluoroscopyAreaDoseProduct, chest.OrganDose = "DX", "1.5", "0.01"
    breast.Modality, breast.OrganDose, breast.IrradiationEventUID = "MG", "0.012", "2.25.9"
    found = of_images([read_image(chest), read_image(breast), read_image(breast)])
    assert found.dap == pytest.approx(0.15)
    assert found.agd == pytest.approx(1.2)
    assert not of_images([read_image(Dataset())]).is_known
