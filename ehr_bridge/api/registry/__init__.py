"""Patients and orders, as the EHR sends them and asks about them."""
