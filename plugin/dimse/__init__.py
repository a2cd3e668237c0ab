"""What modalities ask over DIMSE, other than storing: who they are, the worklist."""
