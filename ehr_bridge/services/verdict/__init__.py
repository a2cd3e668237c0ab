"""Whose a study is: candidates, confirmations, one verdict."""
