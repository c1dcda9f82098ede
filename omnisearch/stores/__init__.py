"""Vectors in Qdrant, and the stored embeddings of every space beside them."""
