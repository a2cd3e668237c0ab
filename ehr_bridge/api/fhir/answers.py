"""What an interaction answers, before it becomes an HTTP response or an entry of a Bundle."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ehr_bridge.api.fhir.shown import Shown, version_of
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.errors import BridgeError
from ehr_bridge.fhir.outcomes import outcome


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    resource: Shown | None = None
    is_made: bool = False
    """Whether it was created: then it is said where it is."""

    @property
    def etag(self) -> str | None:
        has_version = self.resource is not None and "versionId" in self.resource.get("meta", {})
        return f'W/"{version_of(self.resource)}"' if self.resource is not None and has_version else None

    @property
    def last_modified(self) -> str | None:
        """ISO 8601."""
        found = (self.resource or {}).get("meta", {}).get("lastUpdated")
        return None if found is None else str(found)

    @property
    def name(self) -> str | None:
        """TYPE/ID of what was created."""
        if not self.is_made or self.resource is None:
            return None
        return f"{self.resource['resourceType']}/{self.resource['id']}"

    def as_entry(self, base: str, *, with_resource: bool) -> dict[str, Any]:
        """As an entry of the answer to a transaction or batch."""
        response: dict[str, Any] = {"status": f"{self.status} {HTTPStatus(self.status).phrase}"}
        if self.name is not None:
            response["location"] = f"{base}/{self.name}/_history/{version_of(self.resource or {})}"
        if self.etag is not None:
            response["etag"] = self.etag
        if self.last_modified is not None:
            response["lastModified"] = self.last_modified
        resource = self.resource
        if resource is not None and resource["resourceType"] == "OperationOutcome":
            return {"response": response | {"outcome": resource}}
        return {"resource": resource, "response": response} if resource and with_resource else {"response": response}


def refusal(error: BridgeError) -> Answer:
    """The answer to what was refused."""
    status = CODES[error.code].status
    return Answer(status, outcome(error.code, status, error.detail, error.errors))
