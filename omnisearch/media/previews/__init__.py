"""Previews: small WebP pictures of the contents of files, with a placeholder."""
