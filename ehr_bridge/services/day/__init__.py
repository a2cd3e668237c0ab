"""The day's work as people see it: the list of orders with how far each report is, and what waits for whom."""
