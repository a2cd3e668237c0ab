"""Accounts, sign-in, service keys, revocations and rate limits."""
