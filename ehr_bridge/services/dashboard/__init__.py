"""The dashboard: today's appointments, how long examinations take, and the dose that images state."""
