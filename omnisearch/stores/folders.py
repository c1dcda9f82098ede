"""The folders of an index."""

DIRECTORY = "vectors"  # of the embedded engine
EMBEDDINGS_DIRECTORY = "embeddings"
