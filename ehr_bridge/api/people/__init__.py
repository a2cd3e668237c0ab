"""Accounts, keys, privacy and the audit trail."""
