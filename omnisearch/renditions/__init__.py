"""Kept renditions: pictures and other forms of items under the data directory, which indexing and the server make."""
