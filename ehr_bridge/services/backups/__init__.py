"""Backups: their records, the lease for which purges wait, and what is wrong with them."""
