"""The space of a table of results."""
