"""Which images a caller may see: by permission, except deleted studies and those of restricted patients.

A study whose deletion waits for a decision exists only for those who may decide.
"""

from __future__ import annotations

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Restrictions


class Sight:
    """Used on every request for images; memory only."""

    def __init__(self, hidden: HiddenStudies, restrictions: Restrictions) -> None:
        self._hidden = hidden
        self._restrictions = restrictions

    @property
    def is_loaded(self) -> bool:
        """False until the database was read once; until then nobody may see images."""
        return self._hidden.is_loaded and self._restrictions.is_loaded

    def shows(self, caller: Caller, study_instance_uid: str) -> bool:
        """Whether the caller may see the images of this study."""
        if study_instance_uid in self._restrictions.closed_to(caller).studies:
            return False
        if study_instance_uid in self._hidden:
            return self._waits_for(caller, study_instance_uid)
        return caller.may(Permission.VIEW, study_instance_uid)

    def hides(self, caller: Caller, study_instance_uid: str) -> bool:
        """Whether this study does not exist for the caller, whatever they may do with others."""
        return study_instance_uid in self._hidden or study_instance_uid in self._restrictions.closed_to(caller).studies

    def seen(self, caller: Caller) -> frozenset[str] | None:
        """The only studies whose images the caller may see; None: all except those that are `unseen`."""
        if Permission.VIEW not in caller.permissions:
            return self._waiting_for(caller) - self._restrictions.closed_to(caller).studies
        return None if caller.studies is None else caller.studies - self.unseen(caller)

    def unseen(self, caller: Caller) -> frozenset[str]:
        """All studies that do not exist for the caller."""
        closed = self._restrictions.closed_to(caller).studies
        hidden = self._hidden.uids
        if Permission.VIEW_TO_DECIDE in caller.permissions:
            hidden -= self._waiting_for(caller)
        return hidden | closed if closed else hidden

    def refresh(self) -> None:
        """Raises Unavailable; then the previous state remains."""
        self._hidden.refresh()
        self._restrictions.refresh()

    def _waits_for(self, caller: Caller, study_instance_uid: str) -> bool:
        may_decide = caller.may(Permission.VIEW_TO_DECIDE, study_instance_uid)
        return may_decide and self._hidden.waits_for(caller.subject, study_instance_uid)

    def _waiting_for(self, caller: Caller) -> frozenset[str]:
        if Permission.VIEW_TO_DECIDE not in caller.permissions:
            return frozenset()
        waiting = self._hidden.waiting_for(caller.subject)
        return waiting if caller.studies is None else waiting & caller.studies
