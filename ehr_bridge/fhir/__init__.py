"""FHIR R4 (4.0.1): resources to and from our values, searches, and the table from which routes and the
CapabilityStatement are made. Pure: no database, no HTTP, no clock."""
