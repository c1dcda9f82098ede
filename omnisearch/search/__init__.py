"""Queries made of any media, answered with any media."""
