"""Whether images may leave for where no list of people holds: to people outside, or to a device.

The one rule for every such way out: those of a restricted patient may not, not even by those who may see the patient.
"""

from __future__ import annotations

import uuid

from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.visibility.restrictions import Restrictions


def kept_here(restrictions: Restrictions) -> frozenset[uuid.UUID]:
    """The patients whose images stay here. Raises Unavailable like `Restrictions.closed_to`."""
    return restrictions.closed_to_all().patients


def require_may_leave(restrictions: Restrictions, patient_id: uuid.UUID | None) -> None:
    """Raises NotPermitted `restricted_stays_here`, also where the caller may see the patient."""
    if patient_id in kept_here(restrictions):
        raise NotPermitted(
            "restricted_stays_here",
            "This patient is restricted to named people. Their images are neither sent to a device nor shared by a "
            "link, because nobody knows there who may see them.",
        )
