"""Weight files: their names, sources, hashes and licences, and how they are read."""
