"""A patient's chart: documents that people attach, and everything about a patient by date."""
