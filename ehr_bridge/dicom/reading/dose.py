"""The radiation dose that a file states: a radiation dose structured report (PS3.16 TID 10001 and 10011), or an image.

What is stated is read, nothing is worked out from technique: a file that says nothing gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from pydicom.dataset import Dataset

DOSE_REPORTS: Final = ("1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.88.76")
"""X-Ray Radiation Dose SR and Enhanced X-Ray Radiation Dose SR."""
DOSED_IMAGES: Final = (
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2",
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.12.2",
)
"""Images that state the dose of their exposure: CR, DX, mammography, XA and RF."""

_CT_ACQUISITION, _EVENT, _ACCUMULATED_CT, _ACCUMULATED = "113819", "113706", "113811", "113702"
_EVENT_UID = "113769"
_CTDI_VOL, _DLP, _DLP_TOTAL = "113830", "113838", "113813"
_DAP, _DAP_TOTAL, _AGD = "122130", "113722", "111631"
_TO_MGY = {"mGy": 1.0, "Gy": 1000.0, "dGy": 100.0, "cGy": 10.0, "uGy": 0.001}
_TO_MGY_CM = {"mGy.cm": 1.0, "mGycm": 1.0, "Gy.cm": 1000.0}
_TO_GY_CM2 = {"Gy.m2": 1e4, "dGy.cm2": 0.1, "cGy.cm2": 0.01, "Gy.cm2": 1.0, "mGy.cm2": 0.001, "uGy.m2": 0.01}
_DEEPEST = 16
"""Levels of a content tree; TID 10001 and 10011 have five."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a file states of one irradiation event; None is nothing."""

    uid: str | None = None
    ctdi_vol: float | None = None
    """mGy."""
    dlp: float | None = None
    """mGy·cm."""
    dap: float | None = None
    """Gy·cm²."""
    agd: float | None = None
    """mGy."""


@dataclass(frozen=True, slots=True)
class StatedDose:
    """What the files of a study state together."""

    ctdi_vol: float | None = None
    dlp: float | None = None
    dap: float | None = None
    agd: float | None = None

    @property
    def is_known(self) -> bool:
        return any(value is not None for value in (self.ctdi_vol, self.dlp, self.dap, self.agd))


@dataclass(frozen=True, slots=True)
class DoseReport:
    """What one radiation dose report states."""

    exposures: tuple[Exposure, ...] = ()
    dlp_total: float | None = None
    dap_total: float | None = None


@dataclass(slots=True)
class _Found:
    exposures: list[Exposure] = field(default_factory=list)
    dlp: list[float] = field(default_factory=list)
    dap: list[float] = field(default_factory=list)


def read_report(ds: Dataset) -> DoseReport:
    """The dose report that a dataset is. Anything in it that is not as the Standard has it is passed over."""
    found = _Found()
    for item in _children(ds):
        code = _code(item)
        if code == _CT_ACQUISITION:
            found.exposures.append(_of_event(item, dose_area=False))
        elif code == _EVENT:
            found.exposures.append(_of_event(item, dose_area=True))
        elif code == _ACCUMULATED_CT:
            found.dlp += _values(item, _DLP_TOTAL, _TO_MGY_CM)
        elif code == _ACCUMULATED:
            found.dap += _values(item, _DAP_TOTAL, _TO_GY_CM2)
    return DoseReport(tuple(found.exposures), _sum(found.dlp), _sum(found.dap))


def read_image(ds: Dataset) -> Exposure:
    """What an image states of its exposure: Image and Fluoroscopy Area Dose Product (0018,115E) in dGy·cm², Organ Dose
    (0040,0316) in dGy, which in mammography is the average glandular dose."""
    dap, organ = _number(ds.get("ImageAndFluoroscopyAreaDoseProduct")), _number(ds.get("OrganDose"))
    uids = ds.get("IrradiationEventUID")
    uid = str(uids) if isinstance(uids, str) else None
    is_breast = ds.get("Modality") == "MG"
    return Exposure(
        uid,
        dap=None if dap is None else dap * _TO_GY_CM2["dGy.cm2"],
        agd=organ * _TO_MGY["dGy"] if organ is not None and is_breast else None,
    )


def of_reports(reports: Iterable[DoseReport]) -> StatedDose:
    """The dose of a study by its dose reports. Devices send one after each acquisition, or one at the end, or both:
    an event counts once, and a total only where a single report has it."""
    reports = list(reports)
    exposures = _each_once(one for report in reports for one in report.exposures)
    dlp, dap = _sum(one.dlp for one in exposures), _sum(one.dap for one in exposures)
    if len(reports) == 1:
        dlp = reports[0].dlp_total if reports[0].dlp_total is not None else dlp
        dap = reports[0].dap_total if reports[0].dap_total is not None else dap
    elif dlp is None and dap is None:
        dlp = max((one.dlp_total for one in reports if one.dlp_total is not None), default=None)
        dap = max((one.dap_total for one in reports if one.dap_total is not None), default=None)
    ctdi = max((one.ctdi_vol for one in exposures if one.ctdi_vol is not None), default=None)
    return StatedDose(ctdi, dlp, dap, _mean(one.agd for one in exposures))


def of_images(exposures: Iterable[Exposure]) -> StatedDose:
    """The dose of a study by its images. The same exposure is often kept twice, for presentation and processing: with
    an event's UID it counts once."""
    once = _each_once(exposures)
    return StatedDose(dap=_sum(one.dap for one in once), agd=_mean(one.agd for one in once))


def _of_event(item: Dataset, *, dose_area: bool) -> Exposure:
    uid = next((str(one.get("UID") or "") for one in _below(item) if _code(one) == _EVENT_UID), "")
    area = _values(item, _DAP, _TO_GY_CM2) if dose_area else []
    return Exposure(
        uid or None,
        max(_values(item, _CTDI_VOL, _TO_MGY), default=None),
        _sum(_values(item, _DLP, _TO_MGY_CM)),
        _sum(area),
        max(_values(item, _AGD, _TO_MGY), default=None),
    )


def _values(item: Dataset, code: str, units: dict[str, float]) -> list[float]:
    """The numbers of this concept below an item, in our unit; one in a unit that is not known is passed over."""
    found = []
    for one in _below(item):
        measured = _first(one.get("MeasuredValueSequence")) if _code(one) == code else None
        unit = _first(measured.get("MeasurementUnitsCodeSequence")) if measured is not None else None
        if measured is None or unit is None:
            continue
        number, factor = _number(measured.get("NumericValue")), units.get(str(unit.get("CodeValue") or "").strip())
        if number is not None and factor is not None:
            found.append(number * factor)
    return found


def _below(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    for one in _children(item):
        yield one
        if depth < _DEEPEST:
            yield from _below(one, depth + 1)


def _children(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence") or [])


def _code(item: Dataset) -> str:
    concept = _first(item.get("ConceptNameCodeSequence"))
    return "" if concept is None or concept.get("CodingSchemeDesignator") != "DCM" else str(concept.get("CodeValue"))


def _first(sequence: Any) -> Dataset | None:
    return sequence[0] if sequence else None


def _number(value: Any) -> float | None:
    """A number that a dose can be: finite, and not below nothing."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) and number >= 0 else None


def _each_once(exposures: Iterable[Exposure]) -> list[Exposure]:
    known: dict[str, Exposure] = {}
    unnamed = []
    for one in exposures:
        if one.uid is None:
            unnamed.append(one)
        else:
            known.setdefault(one.uid, one)
    return [*known.values(), *unnamed]


def _sum(values: Iterable[float | None]) -> float | None:
    said = [value for value in values if value is not None]
    return sum(said) if said else None


def _mean(values: Iterable[float | None]) -> float | None:
    said = [value for value in values if value is not None]
    return sum(said) / len(said) if said else None
