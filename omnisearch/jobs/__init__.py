"""Jobs: long work that a table keeps and a worker process does."""
