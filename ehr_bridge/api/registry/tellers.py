"""Who says something of patients and orders: the EHR, or a person at the desk."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ehr_bridge.api.http.context import caller
from ehr_bridge.api.http.schemas import EmptyIsNone, ReasonText
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.registry.desk import Teller

Reason = Annotated[
    Annotated[ReasonText | None, EmptyIsNone],
    Field(description="Why; required where the desk changes what the EHR has told. No patient data"),
]
EhrSays = Annotated[
    dict[str, Any],
    Field(description="What the EHR last told of the fields that the desk has changed since; empty where they agree"),
]
DIFFERS = "Whether the desk has changed what the EHR told last, and the EHR has not said the same yet"
REGISTERED_HERE = "Registered at the desk, and not sent by the EHR yet"


def teller(reason: str | None = None, said: frozenset[str] | None = None) -> Teller:
    """The caller of this request: the EHR if it may write orders, else a person at the desk. `said`: the fields that a
    partial request names; None: it says all."""
    return Teller(is_desk=not caller().may(Permission.WRITE_ORDERS), reason=reason, said=said)


def require_the_desks(who: Teller, **only_the_ehrs: object) -> None:
    """Refuse what only the EHR can know. Raises InvalidInput that names these fields where they have a value."""
    fields = [name for name, value in only_the_ehrs.items() if value is not None]
    if not who.is_desk or not fields:
        return
    message = "only the EHR says this; leave it out"
    detail = f"Only the EHR says {', '.join(fields)}; leave that out."
    raise InvalidInput("invalid_request", detail, tuple((name, message) for name in fields))
