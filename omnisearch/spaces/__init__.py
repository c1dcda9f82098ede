"""Pretrained spaces: towers, heads, and where their weights come from."""
