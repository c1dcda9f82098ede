"""Tags of sounds and films, which FFmpeg names alike in ID3, Vorbis comments, MP4, Matroska and RIFF."""

import re
from collections.abc import Mapping
from typing import Any

from av.stream import Disposition

from omnisearch.media.container import open_container
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.metadata.exif import camera_name
from omnisearch.media.metadata.moments import local_time
from omnisearch.types import Modality

_POSITION = re.compile(r"([+-]\d{2}(?:\.\d*)?)([+-]\d{3}(?:\.\d*)?)(?:[+-].*)?/?")  # ISO 6709, in degrees
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_EPOCHS = ("1904-01-01T00:00:00", "1970-01-01T00:00:00")  # an empty time in QuickTime and in Unix
_APPLE = "com.apple.quicktime."
_PROBED = 1 << 16


def read_container(source: Source, kind: Kind) -> Mapping[str, Any]:
    """Return the fields of the tags of a file and of its streams."""
    # The tags of a sound are found without its samples, of which FFmpeg would decode 5 MB: 13 to 25 ms for a WAVE file.
    probed = _PROBED if kind.modality is Modality.AUDIO else None
    with open_container(source.file, probed) as container:
        tags, is_film = (
            _tags(container),
            any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video),
        )

    def first(*names: str) -> str:
        return next((tags[name] for name in names if tags.get(name)), "")

    album, artist = first("album"), first("artist", "album_artist", "author", f"{_APPLE}author")
    recorded = local_time(first(f"{_APPLE}creationdate", "date_recorded", "creation_time"))
    if recorded.startswith(_EPOCHS) or (not is_film and (album or artist)):
        recorded = ""  # of music, it is the time at which the file was encoded or bought
    year = _YEAR.search(first("date", "year", "originaldate", "tdor", "creation_time" if album else ""))
    return {
        "time": recorded,
        "camera": camera_name(first(f"{_APPLE}make", "make"), first(f"{_APPLE}model", "model")),
        "position": _position(first(f"{_APPLE}location.iso6709", "location", "location-eng")),
        "title": first("title", f"{_APPLE}title"),
        "caption": first("description", "comment", "synopsis", f"{_APPLE}description"),
        "keywords": re.split("[;,]", first("keywords", f"{_APPLE}keywords")),
        "artist": artist,
        "album": album,
        "genre": first("genre"),
        "year": year and year[1],
        "language": first("language"),
    }


def _tags(container: Any) -> dict[str, str]:
    """The tags by their names in lower case. Ogg has those of the file in its streams."""
    found = {name.lower(): text for name, text in container.metadata.items()}
    if container.format.name == "ogg":
        for stream in container.streams:
            for name, text in stream.metadata.items():
                found.setdefault(name.lower(), text)
    return found


def _position(text: str) -> tuple[float, float] | None:
    found = _POSITION.fullmatch(text.strip())
    return (float(found[1]), float(found[2])) if found else None
