"""The commands of the indexer, one file per command. They import nothing heavy until they run."""
