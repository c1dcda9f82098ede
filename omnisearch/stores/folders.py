"""The names of the folders of an index."""

DIRECTORY = "vectors"  # of the embedded engine
EMBEDDINGS_DIRECTORY = "embeddings"  # of the space embeddings
