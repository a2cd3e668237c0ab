"""`ehr-bridge doctor`: what it looks at, and what it says to fix."""
