"""How connections to each database are made, so that a statement costs as few ways to it as possible."""
