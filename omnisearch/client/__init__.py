"""Clients of the HTTP API: `Client`, `AsyncClient`, and a light client for the command line."""
