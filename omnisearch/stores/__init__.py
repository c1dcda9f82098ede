"""Vectors in Qdrant, and the raw embeddings of every space beside them."""
