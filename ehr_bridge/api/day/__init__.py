"""Routes of the day's work: the list of orders, and what waits for whom."""
