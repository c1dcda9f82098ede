"""Recognising a format from the first bytes of a file: one module per family of formats."""
