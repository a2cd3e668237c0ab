"""The systems that speak with this one, for those who set them up."""
