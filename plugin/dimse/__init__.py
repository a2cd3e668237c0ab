"""What modalities ask over DIMSE, other than storing: who they are, worklist, MPPS, storage commitment."""
