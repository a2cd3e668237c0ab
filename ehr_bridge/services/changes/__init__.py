"""Corrections by the EHR to patients and orders, and undoing them."""
