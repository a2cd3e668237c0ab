"""Messages that other systems send: kept with what they changed and how they were answered, each applied once."""
