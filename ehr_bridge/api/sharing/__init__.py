"""Links for people outside: made, listed and ended by people of the house, opened by whoever has one."""
