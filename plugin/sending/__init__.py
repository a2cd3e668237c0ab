"""Connections to destinations: webhooks, HL7 by MLLP, FHIR servers; a thread for each of them."""
