"""Which attributes an image gets, and what it said before."""
