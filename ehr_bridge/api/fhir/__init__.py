"""FHIR R4 over HTTP, a WSGI application of its own: the same callers, permissions, restrictions and services as
`/api/v1`, by the table in `ehr_bridge.fhir.table`."""
