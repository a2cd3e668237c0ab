"""Who opens which study, with which token, and the record of it."""
