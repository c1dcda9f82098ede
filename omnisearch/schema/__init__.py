"""What the HTTP API answers, as models that the API and its clients share. Importing them imports no web framework."""
