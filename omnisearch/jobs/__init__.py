"""Jobs: long tasks, stored in a table and run by a worker process."""
