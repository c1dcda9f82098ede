"""Queries: expressions, options, conditions, and the text forms of all three."""
