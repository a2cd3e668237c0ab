"""How passwords are kept: as RFC 9106 recommends, and as dearly for a name that nobody has (ADR 0010)."""

from __future__ import annotations

from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from ehr_bridge.auth import passwords
from ehr_bridge.auth.passwords import hash_password, password_matches


def test_a_password_is_kept_as_the_second_recommended_option_says() -> None:
    """Argon2id, three passes over 64 MiB in four lanes, whatever a newer library takes by default."""
    assert extract_parameters(hash_password("one long password")) == RFC_9106_LOW_MEMORY
    assert hash_password("one long password") != hash_password("one long password")


def test_a_name_that_no_account_has_costs_the_same_work() -> None:
    """Nobody learns from the clock which names exist."""
    assert extract_parameters(passwords._NOBODY) == RFC_9106_LOW_MEMORY
    assert not password_matches(None, "one long password")


def test_only_the_password_itself_matches() -> None:
    """Neither another one nor a hash that is none."""
    kept = hash_password("one long password")
    assert password_matches(kept, "one long password")
    assert not password_matches(kept, "One long password")
    assert not password_matches("no hash", "one long password")
