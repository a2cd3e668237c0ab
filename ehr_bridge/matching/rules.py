"""What the deployer decides about matching."""

from __future__ import annotations

from dataclasses import dataclass

from ehr_bridge.matching.model import Basis

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

    def allows(self, basis: Basis) -> bool:
        """Whether a verdict on this basis may do without a person."""
        bases = list(Basis)
        return bases.index(basis) <= bases.index(self.automatic)
