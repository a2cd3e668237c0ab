"""Who may see what, from lists given by a test instead of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ehr_bridge.auth.caller import Caller
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, Restrictions
from ehr_bridge.services.visibility.sight import Sight


class Hidden(HiddenStudies):
    """These studies, and those that wait for a decision, by who asked for their deletion."""

    def __init__(self, uids: frozenset[str], waiting: Mapping[str, str], is_loaded: bool) -> None:
        self._uids = uids | waiting.keys()
        self._waiting = waiting
        self._is_loaded = is_loaded


class Open:
    """Nobody is restricted."""

    is_loaded = True

    def closed_to(self, _caller: Caller) -> Closed:
        return NOTHING


def sight(*hidden: str, waiting: Mapping[str, str] | None = None, is_loaded: bool = True) -> Sight:
    """A sight with these studies hidden, or waiting for a decision on the deletion that somebody asked for."""
    return Sight(Hidden(frozenset(hidden), waiting or {}, is_loaded), cast(Restrictions, Open()))
