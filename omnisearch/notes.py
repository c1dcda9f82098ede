"""Notes: short sentences for the user on how a file was read."""

# A note that begins with these words says that a part of the file could not be read.
PARTLY_READ = "partly read"
