"""`.well-known/smart-configuration` (SMART App Launch 2.2): what a client can find out without a token.

This server checks the tokens of the EHR; it gives none. So it names the EHR's issuer, where tokens come from.
"""

from __future__ import annotations

from typing import Any

from ehr_bridge.settings import Settings

SCOPES = (
    "patient/ImagingStudy.rs",
    "patient/*.read",
    "user/ImagingStudy.rs",
    "user/*.read",
)


def smart_configuration(settings: Settings) -> dict[str, Any]:
    """Without endpoints for tokens, which the issuer has."""
    found: dict[str, Any] = {
        "capabilities": ["smart-imaging-access", "permission-patient", "permission-user", "permission-v2"],
        "scopes_supported": list(SCOPES) if settings.smart_scopes else [],
        "grant_types_supported": [],
    }
    if settings.jwt_issuer is not None:
        found["issuer"] = settings.jwt_issuer
    return found
