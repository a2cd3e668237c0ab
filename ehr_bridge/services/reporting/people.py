"""Who reads or writes reports."""

from __future__ import annotations

from dataclasses import dataclass

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.reporting.report import Signer
from ehr_bridge.services.audit.trail import Origin


@dataclass(frozen=True, slots=True)
class Reporter:
    """A caller, as reports see them."""

    signer: Signer
    origin: Origin
    roles: frozenset[str] = frozenset()
    writes: bool = False
    """Sees what is being written, not only what was issued."""

    @property
    def subject(self) -> str:
        return self.signer.subject


def reporter_of(caller: Caller, origin: Origin) -> Reporter:
    """What reports need to know of a caller."""
    signer = Signer(caller.subject, caller.name[:255])
    return Reporter(signer, origin, frozenset(caller.roles), Permission.WRITE_REPORTS in caller.permissions)
