"""Retention: what rules propose for deletion, and the batches of requests that people make of it."""
