"""A patient's chart: documents, and everything about a patient by date."""
