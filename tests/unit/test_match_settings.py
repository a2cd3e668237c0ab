"""How the deployer's settings become rules of matching."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ehr_bridge.matching import Basis, Rules
from ehr_bridge.services.verdict.site_rules import rules_of
from ehr_bridge.setting_checks import ORDER_KEYS
from ehr_bridge.settings import Settings, SettingsError, load_settings


def test_unset_settings_are_the_rules_that_stand_in_the_matcher() -> None:
    """One default, in two layers that may not know each other."""
    assert rules_of(load_settings({})) == Rules()
    assert Rules().automatic is Basis.PATIENT_ID


def test_settings_become_rules() -> None:
    """As a deployer writes them."""
    given = {
        "EHR_BRIDGE_MATCH_AUTOMATIC": "demographics",
        "EHR_BRIDGE_MATCH_PROBABILITY": "0.999",
        "EHR_BRIDGE_MATCH_ORDER_KEYS": "accession_number, study_instance_uid",
        "EHR_BRIDGE_MATCH_ACCESSION_ISSUER": "OUR-EHR",
        "EHR_BRIDGE_MATCH_ORDER_DAYS": "0",
    }
    keys = ("accession_number", "study_instance_uid")
    assert rules_of(load_settings(given)) == Rules(Basis.DEMOGRAPHICS, 0.999, keys, "OUR-EHR", 0)
    assert set(keys) < set(ORDER_KEYS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EHR_BRIDGE_MATCH_AUTOMATIC", "always"),
        ("EHR_BRIDGE_MATCH_AUTOMATIC", "nothing"),
        ("EHR_BRIDGE_MATCH_PROBABILITY", "0.5"),
        ("EHR_BRIDGE_MATCH_PROBABILITY", "1"),
        ("EHR_BRIDGE_MATCH_ORDER_KEYS", "accession_number,patient_name"),
        ("EHR_BRIDGE_MATCH_ORDER_KEYS", "accession_number,accession_number"),
        ("EHR_BRIDGE_MATCH_ORDER_DAYS", "-1"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_start(name: str, value: str) -> None:
    """And its name is said."""
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value})


def test_authorities_are_two_or_more_with_their_universal_ids() -> None:
    """Blanks around are no part of a name; unset there is one, whatever it is called."""
    named = Settings(authorities=" Site A = 1.2.40.1,SITE-B ").known_authorities
    assert named == (("Site A", "1.2.40.1"), ("SITE-B", ""))
    assert Settings().known_authorities == ()


@pytest.mark.parametrize(
    "value", ["A", "A,", "A,a", "A=1.2,B=1.2", "A,B=a", "A|1,B", "A^1,B", "A\\1,B", "A" * 65 + ",B", "=1.2,B"]
)
def test_authorities_that_cannot_be_told_apart_are_refused(value: str) -> None:
    with pytest.raises(ValidationError, match=r"two names or more|each universal ID once"):
        Settings(authorities=value)


def test_a_wrong_name_of_an_authority_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"EHR_BRIDGE_AUTHORITIES: use two names or more"):
        load_settings({"EHR_BRIDGE_AUTHORITIES": "A"})
    assert [one.name for one in rules_of(load_settings({"EHR_BRIDGE_AUTHORITIES": "A,B"})).authorities] == ["A", "B"]
