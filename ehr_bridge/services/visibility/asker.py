"""Who asks, known where rows are found: what a request must not see is refused there, whatever its route is called.

A request begins by saying what is closed to its caller, on its own thread. Where nobody asks (the worker, a modality,
the command) nothing is closed.
"""

from __future__ import annotations

import uuid
from contextvars import ContextVar

from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

_CLOSED: ContextVar[Closed] = ContextVar("closed_to_the_asker", default=NOTHING)


def asks(closed: Closed) -> None:
    """From here on this thread works for somebody to whom this is closed; `NOTHING` ends it."""
    _CLOSED.set(closed)


def require_open(patient_id: uuid.UUID | None) -> None:
    """Refuse what is of a patient whom the asker may not see.

    Raises:
        NotPermitted `patient_restricted`.
    """
    if patient_id is not None and patient_id in _CLOSED.get().patients:
        raise patient_restricted()


def patient_restricted() -> NotPermitted:
    return NotPermitted(
        "patient_restricted",
        "This patient is restricted to named people. In an emergency, break the glass and say why.",
    )
