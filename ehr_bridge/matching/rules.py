"""The site's settings for matching."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ehr_bridge.matching.issuers import Authority, issuer_said
from ehr_bridge.matching.model import Basis, HeaderIdentity
from ehr_bridge.setting_checks import ORDER_KEYS


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of a match; docs/configuration.md explains them to deployers."""

    automatic: Basis = Basis.PATIENT_ID
    """The weakest basis on which a study is linked without a person."""
    probability: float = 0.99
    """Least probability of a patient for that."""
    order_keys: tuple[str, ...] = ORDER_KEYS
    accession_issuer: str | None = None
    """Issuer of the orders' accession numbers; other issuers' numbers name none. None: the issuer is not compared."""
    order_days: int = 7
    """Most days between study date and appointment where no key names the order."""

    authorities: tuple[Authority, ...] = ()
    """Issuers of MRNs at this site, if there are several."""

    def with_issuer(self, header: HeaderIdentity) -> HeaderIdentity:
        """The header with its issuer named as in the patients' records."""
        local, universal = header.issuer_of_patient_id, header.universal_issuer_of_patient_id
        if not self.authorities or not (local or universal):
            return header
        return replace(header, issuer_of_patient_id=issuer_said(local, universal, self.authorities))

    def allows(self, basis: Basis) -> bool:
        """Whether a match on this basis may be linked without a person."""
        bases = list(Basis)
        return bases.index(basis) <= bases.index(self.automatic)
