"""Ranking: lookups become candidates, candidates are scored, and items are ranked."""
