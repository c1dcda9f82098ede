"""From a folder of files to an index that search reads."""
