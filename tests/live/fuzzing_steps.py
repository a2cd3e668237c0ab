"""Settings under which no rate limit hides what stands behind it."""

from __future__ import annotations

NO_LIMITS = {"EHR_BRIDGE_UPLOADS_PER_MINUTE": "1000000", "EHR_BRIDGE_SIGN_INS_PER_MINUTE": "1000000"}
"""A rate limit answers 503, as documented; here it would hide what stands behind it."""
