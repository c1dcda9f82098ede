"""Clients of the HTTP API: `Client`, `AsyncClient`, and the light one of the command line."""
