"""Taking away: lists as CSV, labels, what is printed."""
