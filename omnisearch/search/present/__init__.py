"""Presentation: ranked items become a page of hits."""
