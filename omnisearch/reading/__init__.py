"""Words in media: text in pictures and speech in sound, read by a process of its own from pixels and samples."""
