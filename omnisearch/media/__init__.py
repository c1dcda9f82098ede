"""From bytes to content: the one place where untrusted media are opened."""
