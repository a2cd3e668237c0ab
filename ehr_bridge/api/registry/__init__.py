"""Patients, orders and the questions about them, as the EHR asks."""
