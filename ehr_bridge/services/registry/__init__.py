"""Patients and orders as the EHR sends them."""
