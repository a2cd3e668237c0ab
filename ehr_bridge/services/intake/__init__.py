"""The walk of an instance: judged, claimed, coerced, stored, recorded."""
