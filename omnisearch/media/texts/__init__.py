"""Text: encodings, formats, cleaning and passages."""
