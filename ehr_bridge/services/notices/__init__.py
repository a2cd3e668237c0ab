"""What each person is told of what concerns them: whom an act concerns, and what they have seen."""
