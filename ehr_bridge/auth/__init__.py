"""Who is calling and what they may do: roles, tokens, passwords. Takes headers, gives a `Caller` or a refusal."""
