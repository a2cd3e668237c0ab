"""Who opens which study, with which token, and that it was opened."""
