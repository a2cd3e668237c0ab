"""Routes of the dashboard: numbers, and the lists behind those that no other page has."""
