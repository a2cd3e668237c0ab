"""The audit trail: writing, chaining, anchoring, verifying and exporting it."""

from ehr_bridge.services.audit.trail import (
    OURSELVES,
    Event,
    Origin,
    after,
    append,
    append_all,
    search,
    study_event,
    verify,
)

__all__ = ["OURSELVES", "Event", "Origin", "after", "append", "append_all", "search", "study_event", "verify"]
