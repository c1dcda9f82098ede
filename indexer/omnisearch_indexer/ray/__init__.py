"""Indexing on a cluster with Ray: files are decoded and batches are encoded by actors on its nodes."""
