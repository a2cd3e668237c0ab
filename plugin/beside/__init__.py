"""A process beside Orthanc with its own interpreter, so that the gate does not wait for HL7 messages (ADR 0063)."""
