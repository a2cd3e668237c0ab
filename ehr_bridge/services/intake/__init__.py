"""How an instance is taken in: validated, claimed, coerced, stored, recorded."""
