"""The services of sharing, built together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ehr_bridge.auth.tokens import TokenRules
from ehr_bridge.db.database import Database
from ehr_bridge.errors import NotFound
from ehr_bridge.services.accounts.revocations import Revocations
from ehr_bridge.services.accounts.sign_in import Hashing
from ehr_bridge.services.sharing.door import ShareDoor
from ehr_bridge.services.sharing.files import ReportFiles
from ehr_bridge.services.sharing.shares import Shares
from ehr_bridge.services.sharing.standing import FallenShares
from ehr_bridge.services.visibility.restrictions import Restrictions
from ehr_bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class Sharing:
    is_on: bool
    shares: Shares
    door: ShareDoor
    fallen: FallenShares
    report_files: ReportFiles

    def require_on(self) -> None:
        """Raises NotFound where nothing is shared with people outside."""
        if not self.is_on:
            raise NotFound("sharing_off", "Sharing with people outside is off here (EHR_BRIDGE_SHARING).")


def build_sharing(
    settings: Settings,
    database: Database,
    rules: TokenRules,
    revocations: Revocations,
    restrictions: Restrictions,
    clock: Callable[[], datetime],
) -> Sharing:
    """PINs have their turns apart from passwords: whoever tries PINs keeps nobody from signing in."""
    hashing = Hashing(at_once=1)
    fallen = FallenShares(database, revocations, restrictions, clock)
    return Sharing(
        settings.sharing,
        Shares(database, hashing, revocations, restrictions, clock, settings.base_url),
        ShareDoor(database, rules, hashing, fallen, revocations, clock),
        fallen,
        ReportFiles(database),
    )
