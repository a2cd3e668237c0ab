"""The site's rules for matching, from its settings."""

from __future__ import annotations

from ehr_bridge.matching import Basis, Rules
from ehr_bridge.services.registry.authorities import authorities_of
from ehr_bridge.settings import Settings


def rules_of(settings: Settings) -> Rules:
    """The settings for matching."""
    return Rules(
        automatic=Basis(settings.match_automatic),
        probability=settings.match_probability,
        order_keys=tuple(settings.match_order_keys.split(",")),
        accession_issuer=settings.match_accession_issuer,
        order_days=settings.match_order_days,
        authorities=authorities_of(settings),
    )
