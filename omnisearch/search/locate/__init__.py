"""Locating: find where in one file a query matches."""
