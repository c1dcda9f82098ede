"""The towers and spaces that are declared, one file for those that belong together."""
