"""The verified caller of a request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from ehr_bridge.auth.permissions import Permission, Roles
from ehr_bridge.errors import NotPermitted

OF_PATIENT = "patient "
"""What the key of a grant for all studies of one patient begins with, before the patient."""
FOR_A_PERSON = frozenset({Permission.VIEW, Permission.VIEW_TO_DECIDE, Permission.DOWNLOAD, Permission.ANNOTATE})
"""What a service has only through a viewer token that it makes on behalf of a person."""


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
    proved_at: datetime | None = None
    """When they last proved who they are, as far as the token says so (`auth_time`)."""
    launched_by: str | None = None
    """The EHR whose SMART launch made the token, by its issuer: the subject is the name of a person there."""
    is_share: bool = False
    """Somebody outside, with the token of a share: sees its study by DICOMweb, reads its reports, and nothing else."""
    ignored_roles: tuple[str, ...] = ()
    """Roles in the token that no role of this installation corresponds to."""
    site: Roles = field(default_factory=Roles, repr=False, compare=False)
    """The roles of this installation, to say which of them has what this caller lacks."""

    @property
    def is_bound(self) -> bool:
        return self.studies is not None

    @property
    def patient(self) -> str | None:
        """The one patient whom the token is about, by MRN or id; None for everybody else."""
        return self.grant.removeprefix(OF_PATIENT) if self.grant and self.grant.startswith(OF_PATIENT) else None

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
            raise self.lacks([permission])

    def lacks(self, needs: Collection[Permission]) -> NotPermitted:
        """The refusal for want of one of these permissions: which they are, and how to get one."""
        named = " or ".join(f"'{permission}'" for permission in sorted(needs))
        detail = f"This needs the permission {named}, which your roles do not include. {self._way(needs)}"
        if self.ignored_roles:
            detail += " Your token names roles that do not exist here; GET /api/v1/auth/me lists them."
        return NotPermitted("permission_missing", detail)

    def _way(self, needs: Collection[Permission]) -> str:
        if Permission.MINT_ON_BEHALF in self.permissions and not FOR_A_PERSON.isdisjoint(needs):
            return (
                "A service does it for a person: POST /api/v1/dicom/viewer-token with 'on_behalf_of' gives a viewer "
                "token, which opens the images."
            )
        roles = [role for role, may in self.site.permissions.items() if not may.isdisjoint(needs)]
        return f"Roles that have it: {', '.join(roles)}." if roles else "No role of this installation has it."
