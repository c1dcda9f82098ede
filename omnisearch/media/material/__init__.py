"""Material for reading: pictures and sound of a file as the reading process wants them, and its subtitles."""
