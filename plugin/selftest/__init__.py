"""Plays EHR and modality against a running server (`ehr-bridge selftest`)."""
