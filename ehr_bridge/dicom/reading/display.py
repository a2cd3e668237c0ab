"""How an image is to be displayed: rescale, window, polarity and pixel aspect ratio, wherever the file has them.

Enhanced objects keep them in functional groups, shared or per frame (PS3.3 section C.7.6.16); others at the top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

STEEPEST = 8.0
"""A more extreme aspect ratio is taken for a mistake in the file."""


@dataclass(frozen=True, slots=True)
class Window:
    """Center and width after rescaling, and the function between (PS3.3 section C.11.2.1)."""

    center: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Values as 0 to 255."""
        values = np.nan_to_num(values)
        if self.function == "SIGMOID":
            part = 1 / (1 + np.exp(np.clip(-4 * (values - self.center) / self.width, -60, 60)))
        elif self.function == "LINEAR_EXACT" or self.width <= 1:
            part = (values - self.center) / self.width + 0.5
        else:
            part = (values - (self.center - 0.5)) / (self.width - 1) + 0.5
        return np.asarray(np.clip(part, 0, 1) * 255, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Display:
    """What is needed to render one frame beside its pixels."""

    slope: float
    intercept: float
    by_sequence: bool
    """The file has a Modality LUT Sequence."""
    window: Window | None
    inverse: bool
    padding: int | None
    aspect: float
    """Height of a pixel divided by its width."""


def read_display(ds: Dataset, index: int) -> Display:
    """What the file says for one frame; anything missing or nonsensical stays neutral."""
    rescale = _group(ds, index, "PixelValueTransformationSequence")
    slope, intercept = _number(rescale.get("RescaleSlope"), 1.0), _number(rescale.get("RescaleIntercept"), 0.0)
    photometric = str(ds.get("PhotometricInterpretation", ""))
    shape = str(ds.get("PresentationLUTShape", ""))
    padding = ds.get("PixelPaddingValue")
    return Display(
        slope=slope or 1.0,
        intercept=intercept,
        by_sequence="ModalityLUTSequence" in ds,
        window=_window(_group(ds, index, "FrameVOILUTSequence")),
        inverse=shape == "INVERSE" or (photometric == "MONOCHROME1" and shape != "IDENTITY"),
        padding=padding if isinstance(padding, int) else None,
        aspect=_aspect(ds, index),
    )


def _group(ds: Dataset, index: int, name: str) -> Dataset:
    """The functional group of that name for a frame, or the dataset itself when it has none."""
    for holder, position in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        groups = ds.get(holder)
        if groups and position < len(groups) and groups[position].get(name):
            found: Dataset = groups[position][name].value[0]
            return found
    return ds


def _window(ds: Dataset) -> Window | None:
    center, width = _number(ds.get("WindowCenter"), math.nan), _number(ds.get("WindowWidth"), math.nan)
    if not math.isfinite(center) or not math.isfinite(width) or width <= 0:
        return None
    return Window(center, width, str(ds.get("VOILUTFunction") or "LINEAR").upper())


def _aspect(ds: Dataset, index: int) -> float:
    measures = _group(ds, index, "PixelMeasuresSequence")
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        value = measures.get(keyword) or ds.get(keyword)
        if value is not None and not isinstance(value, str) and len(value) == 2:
            vertical, horizontal = _number(value[0], 0.0), _number(value[1], 0.0)
            if vertical > 0 and horizontal > 0 and 1 / STEEPEST <= vertical / horizontal <= STEEPEST:
                return vertical / horizontal
    return 1.0


def _number(value: Any, otherwise: float) -> float:
    """The first of one or several numbers."""
    if value is not None and not isinstance(value, str | int | float) and hasattr(value, "__getitem__"):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return otherwise
    return number if math.isfinite(number) else otherwise
