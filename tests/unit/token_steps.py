"""Tokens to be judged, and the clock to judge them by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from ehr_bridge.auth.tokens import TokenRules, make_viewer_token

SECRET = "a-secret-for-these-tests-0123456789abcdef"
RULES = TokenRules(SECRET, "orthanc-ehr-bridge", None)
NOW = datetime.now(UTC).replace(microsecond=0)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def user(**changes: Any) -> str:
    claims = {
        "sub": "dora",
        "name": "Dora",
        "roles": ["doctor"],
        "aud": RULES.audience,
        "exp": NOW + timedelta(hours=1),
    }
    claims |= changes
    return jwt.encode({k: v for k, v in claims.items() if v is not ...}, SECRET, "HS256")


def viewer(ttl: int = 600) -> str:
    return make_viewer_token(
        RULES,
        token_id="t1",
        subject="dora",
        operations=["view"],
        now=NOW,
        expires_at=NOW + timedelta(seconds=ttl),
    )
