"""Data elements as bytes: encodings, character sets, nesting, the walk (PS3.5, PS3.10)."""
