"""What the deployer decides about matching."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ehr_bridge.matching.issuers import Authority, issuer_said
from ehr_bridge.matching.model import Basis, HeaderIdentity

ORDER_KEYS = ("study_instance_uid", "accession_number", "scheduled_procedure_step_id", "requested_procedure_id")
"""What points to an order by itself, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of a verdict; docs/configuration.md tells them to deployers."""

    automatic: Basis = Basis.PATIENT_ID
    """The weakest basis on which a study is linked without a person."""
    probability: float = 0.99
    """How likely a patient must be for it."""
    order_keys: tuple[str, ...] = ORDER_KEYS
    accession_issuer: str | None = None
    """Who gives the accession numbers of orders; anybody else's number points to none. None: not looked at."""
    order_days: int = 7
    """How far study date and appointment may lie apart where no key names the order."""

    authorities: tuple[Authority, ...] = ()
    """Who gives MRNs here, where that is more than one."""

    def with_issuer(self, header: HeaderIdentity) -> HeaderIdentity:
        """What a header says, its issuer by the name that patients have it under."""
        local, universal = header.issuer_of_patient_id, header.universal_issuer_of_patient_id
        if not self.authorities or not (local or universal):
            return header
        return replace(header, issuer_of_patient_id=issuer_said(local, universal, self.authorities))

    def allows(self, basis: Basis) -> bool:
        """Whether a verdict on this basis may do without a person."""
        bases = list(Basis)
        return bases.index(basis) <= bases.index(self.automatic)
