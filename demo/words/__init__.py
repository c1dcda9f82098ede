"""A corpus of words in media: text in pictures, speech in sounds and films, tagged photos and documents.

Everything is drawn, synthesised or written here, except for fonts and voices, which come from packages.
"""
