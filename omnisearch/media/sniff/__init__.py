"""Recognise a format by the first bytes of a file: one module per family of formats."""
