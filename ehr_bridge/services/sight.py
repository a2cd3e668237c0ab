"""What somebody may not see, whatever their permissions: studies a deletion hides, studies of restricted patients."""

from __future__ import annotations

from ehr_bridge.auth.caller import Caller
from ehr_bridge.services.hidden import HiddenStudies
from ehr_bridge.services.restrictions import Restrictions


class Sight:
    """Asked on every request for images; memory only."""

    def __init__(self, hidden: HiddenStudies, restrictions: Restrictions) -> None:
        self._hidden = hidden
        self._restrictions = restrictions

    @property
    def is_loaded(self) -> bool:
        """False until the database was read once: nobody may look before."""
        return self._hidden.is_loaded and self._restrictions.is_loaded

    def hides(self, caller: Caller, study_instance_uid: str) -> bool:
        """Whether this study does not exist for the caller."""
        return study_instance_uid in self._hidden or study_instance_uid in self._restrictions.closed_to(caller).studies

    def unseen(self, caller: Caller) -> frozenset[str]:
        """All studies that do not exist for the caller."""
        closed = self._restrictions.closed_to(caller).studies
        return self._hidden.uids | closed if closed else self._hidden.uids

    def refresh(self) -> None:
        """Raises Unavailable; what is known stays."""
        self._hidden.refresh()
        self._restrictions.refresh()
