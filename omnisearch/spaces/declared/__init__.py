"""The declared towers and spaces, one file per group."""
