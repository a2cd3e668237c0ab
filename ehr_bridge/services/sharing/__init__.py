"""Shares: links by which people outside see one study and its signed reports, and nothing else."""
