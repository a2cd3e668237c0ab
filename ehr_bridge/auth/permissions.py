"""Roles and what they may do by default (docs/api.md, Roles)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ehr_bridge.errors import InvalidInput


class Permission(StrEnum):
    UPLOAD = "upload"
    READ = "read"
    VIEW = "view"
    DOWNLOAD = "download"
    MODIFY_TAGS = "modify_tags"
    RECONCILE = "reconcile"
    REQUEST_DELETION = "request_deletion"
    APPROVE_DELETION = "approve_deletion"
    VIEW_TO_DECIDE = "view_to_decide"
    """See the images of a study whose deletion somebody else requested and nobody has decided yet; of no other
    study."""
    WRITE_REPORTS = "write_reports"
    """Write reports, see what others are writing, issue preliminary ones, say who was told of a critical result."""
    SIGN_REPORTS = "sign_reports"
    """Sign reports and withdraw them."""
    AUDIT = "audit"
    ACCOUNTS = "accounts"
    SERVICE_PERMISSIONS = "service_permissions"
    WRITE_ORDERS = "write_orders"
    """Tell patients and orders as the EHR: what it told last is what is known."""
    BRING_REPORTS = "bring_reports"
    """Bring, amend and withdraw the reports of other systems, by HL7 and FHIR."""
    REGISTER = "register"
    """Register, correct, cancel and merge patients and orders at the desk, beside the EHR."""
    MINT_ON_BEHALF = "mint_on_behalf"
    """Make viewer tokens on behalf of a named user."""
    ANNOTATE = "annotate"
    PRIVACY = "privacy"
    """Restrict patients to named people; see who broke the glass."""
    INTERFACES = "interfaces"
    """Set up the systems that speak with this one: modalities. See their messages, try them, apply them again."""
    METRICS = "metrics"
    """Read the numbers that a monitor watches; nothing of any patient."""


P = Permission
LOOKING = frozenset({P.VIEW, P.VIEW_TO_DECIDE})
"""One of these is needed to see any image; which of them for which study: `ehr_bridge.services.visibility.sight`."""

ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "technician": frozenset({P.UPLOAD, P.READ, P.VIEW, P.MODIFY_TAGS, P.RECONCILE, P.REGISTER}),
    "reception": frozenset({P.READ, P.REGISTER}),
    "doctor": frozenset({P.UPLOAD, P.READ, P.VIEW, P.DOWNLOAD}),
    "nurse": frozenset({P.READ, P.VIEW}),
    "radiologist": frozenset(
        {
            P.READ,
            P.VIEW,
            P.DOWNLOAD,
            P.MODIFY_TAGS,
            P.RECONCILE,
            P.REQUEST_DELETION,
            P.WRITE_REPORTS,
            P.SIGN_REPORTS,
            P.ANNOTATE,
        }
    ),
    "manager": frozenset({P.READ, P.APPROVE_DELETION, P.VIEW_TO_DECIDE}),
    "admin": frozenset(
        {
            P.READ,
            P.REQUEST_DELETION,
            P.APPROVE_DELETION,
            P.AUDIT,
            P.ACCOUNTS,
            P.SERVICE_PERMISSIONS,
            P.PRIVACY,
            P.REGISTER,
            P.INTERFACES,
            P.BRING_REPORTS,
            P.METRICS,
        }
    ),
    "service": frozenset({P.READ, P.WRITE_ORDERS, P.BRING_REPORTS, P.MINT_ON_BEHALF}),
    "monitor": frozenset({P.METRICS}),
}


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of one installation, and what they may do."""

    permissions: Mapping[str, frozenset[Permission]] = field(default_factory=lambda: ROLE_PERMISSIONS)

    def permissions_of(self, roles: Iterable[str]) -> frozenset[Permission]:
        """The union of what the roles may do; an unknown role adds nothing."""
        granted: frozenset[Permission] = frozenset()
        for role in roles:
            granted |= self.permissions.get(role, frozenset())
        return granted

    def require_known(self, roles: Iterable[str]) -> list[str]:
        """The roles without duplicates. Raises InvalidInput when one of them does not exist."""
        wanted = list(dict.fromkeys(roles))
        if unknown := [role for role in wanted if role not in self.permissions]:
            known = ", ".join(self.permissions)
            raise InvalidInput("unknown_role", f"There is no role '{unknown[0]}'; roles are {known}.")
        return wanted
