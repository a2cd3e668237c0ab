"""scripts/bench soak: two nodes under mixed load for an hour, while one is killed again and again; what was answered
with success must be there at the end."""
