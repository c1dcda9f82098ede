"""Pretrained spaces: towers, heads, and the sources of their weights."""
