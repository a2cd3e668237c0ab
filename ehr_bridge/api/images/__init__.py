"""Routes about single images of a study."""
