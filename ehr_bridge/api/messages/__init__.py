"""The door for HL7 v2 messages: from MLLP and over HTTP, by the same rules as our own requests."""
