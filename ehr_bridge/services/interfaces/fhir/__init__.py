"""Searches of FHIR: what each parameter means in our tables, and what is found."""
