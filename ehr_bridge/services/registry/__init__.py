"""Patients and orders as the EHR tells them."""
