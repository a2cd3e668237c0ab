"""The caller, known where rows are found: what they may not see is refused there, on any route.

A request begins by setting what is closed to its caller, on its own thread. Without a caller (the worker, C-STORE,
commands) nothing is closed.
"""

from __future__ import annotations

import uuid
from contextvars import ContextVar

from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

_CLOSED: ContextVar[Closed] = ContextVar("closed_to_the_asker", default=NOTHING)


def asks(closed: Closed) -> None:
    """From now on this thread works for somebody who may not see this; `NOTHING` ends it."""
    _CLOSED.set(closed)


def require_open(patient_id: uuid.UUID | None) -> None:
    """Refuse data of a patient whom the caller may not see. Raises NotPermitted `patient_restricted`."""
    if patient_id is not None and patient_id in _CLOSED.get().patients:
        raise patient_restricted()


def patient_restricted() -> NotPermitted:
    return NotPermitted(
        "patient_restricted",
        "This patient is restricted to named people. In an emergency, break the glass and say why.",
    )
