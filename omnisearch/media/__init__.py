"""Decode bytes into content. Only this package opens untrusted media."""
