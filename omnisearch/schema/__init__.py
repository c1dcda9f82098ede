"""Models of the answers of the HTTP API, which clients share. Importing them imports no web framework."""
