"""The verified caller of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import NotPermitted


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling (from a verified token or account), what they may do, and to which studies.

    `studies` is None where the permissions hold for every study (people and services), and a set for a viewer token or
    a token for one patient: such a caller may use `permissions` on those studies only.
    """

    subject: str
    name: str
    roles: tuple[str, ...]
    permissions: frozenset[Permission]
    expires_at: datetime | None = None
    token_id: str | None = None
    studies: frozenset[str] | None = None
    grant: str | None = None
    """Key under which the studies of a bound caller are kept up to date (`Grants`)."""

    @property
    def is_bound(self) -> bool:
        return self.studies is not None

    @property
    def may_only_annotate(self) -> bool:
        """Whether the caller may store annotations on their studies, and nothing else."""
        return self.studies is not None and Permission.ANNOTATE in self.permissions

    def may(self, permission: Permission, study_instance_uid: str | None = None) -> bool:
        """Whether this caller has the permission, for that study (None: for studies in general)."""
        if permission not in self.permissions:
            return False
        return self.studies is None or study_instance_uid in self.studies

    def require(self, permission: Permission, study_instance_uid: str | None = None) -> None:
        """Raises NotPermitted unless `may` says yes."""
        if not self.may(permission, study_instance_uid):
            raise NotPermitted(
                "permission_missing",
                f"This needs the permission '{permission}', which your roles do not include.",
            )
