"""EXIF: the tags that cameras write into pictures (CIPA DC-008). The maker's own notes are never parsed."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from omnisearch.media.metadata.moments import local_time, with_offset

_EXIF, _GPS = 0x8769, 0x8825
_DESCRIPTION, _MAKE, _MODEL, _CHANGED, _ARTIST, _RATING = 0x010E, 0x010F, 0x0110, 0x0132, 0x013B, 0x4746
_XP_TITLE, _XP_COMMENT, _XP_AUTHOR, _XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E
_TAKEN, _DIGITIZED, _TAKEN_OFFSET, _OFFSET = 0x9003, 0x9004, 0x9011, 0x9010
_COMMENT, _LENS = 0x9286, 0xA434
_ENCODINGS = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp"}
# Cameras write these into the description of every picture.
_NO_DESCRIPTIONS = frozenset({"olympus digital camera", "sony dsc", "exif_jpeg_picture", "default", "untitled"})


def read_camera(exif: Any) -> Mapping[str, Any]:
    """Return the fields of a Pillow `Exif` that a camera writes."""
    camera, gps = exif.get_ifd(_EXIF), exif.get_ifd(_GPS)
    return {
        "time": with_offset(_taken(exif, camera), _gps_time(gps)),
        "camera": camera_name(_text(exif.get(_MAKE)), _text(exif.get(_MODEL))),
        "lens": _text(camera.get(_LENS)),
        "position": _position(gps),
    }


def read_description(exif: Any) -> Mapping[str, Any]:
    """Return the fields of a Pillow `Exif` that people write."""
    description = _text(exif.get(_DESCRIPTION))
    if description.lower() in _NO_DESCRIPTIONS:
        description = ""
    comment = _comment(exif.get_ifd(_EXIF).get(_COMMENT))
    return {
        "title": _wide(exif.get(_XP_TITLE)),
        "caption": description or comment or _wide(exif.get(_XP_COMMENT)),
        "keywords": _wide(exif.get(_XP_KEYWORDS)).split(";"),
        "artist": _text(exif.get(_ARTIST)) or _wide(exif.get(_XP_AUTHOR)),
        "rating": exif.get(_RATING),
    }


def camera_name(make: str, model: str) -> str:
    """Join a maker and a model: `Canon` and `Canon EOS R5` are `Canon EOS R5`."""
    make = " ".join(make.split())
    first = make.split(" ")[0]
    model = " ".join(model.split())
    if model.lower().startswith(first.lower()):
        return model
    short = first.title() if first.isupper() and len(first) > 3 else first
    return f"{short} {model}".strip() if model else make


def _taken(exif: Any, camera: Mapping[int, Any]) -> str:
    for tags, key, offset in (
        (camera, _TAKEN, _TAKEN_OFFSET),
        (camera, _DIGITIZED, _OFFSET),
        (exif, _CHANGED, _OFFSET),
    ):
        if made := local_time(_text(tags.get(key)), _text(camera.get(offset))):
            return made
    return ""


def _gps_time(gps: Mapping[int, Any]) -> str:
    day, clock = _text(gps.get(29)), _numbers(gps.get(7))
    if not day or len(clock) != 3:
        return ""
    return local_time(f"{day} {int(clock[0]):02}:{int(clock[1]):02}:{int(clock[2]):02}Z")


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    latitude, longitude = _degrees(gps.get(2)), _degrees(gps.get(4))
    if latitude is None or longitude is None:
        return None
    south, west = _text(gps.get(1)).upper().startswith("S"), _text(gps.get(3)).upper().startswith("W")
    return -latitude if south else latitude, -longitude if west else longitude


def _degrees(value: Any) -> float | None:
    """Degrees, minutes and seconds as one number."""
    parts = _numbers(value)
    return sum(part / 60**n for n, part in enumerate(parts)) if 1 <= len(parts) <= 3 else None


def _numbers(value: Any) -> list[float]:
    try:
        found = [float(part) for part in (value if isinstance(value, tuple) else (value,))]
    except (TypeError, ValueError, ArithmeticError):
        return []
    return found if all(map(math.isfinite, found)) else []


def _text(value: Any) -> str:
    if isinstance(value, str):  # Pillow decodes as Latin-1, and many programs write UTF-8
        with suppress(UnicodeError):
            value = value.encode("latin-1").decode()
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.split("\0")[0].strip() if isinstance(value, str) else ""


def _wide(value: Any) -> str:
    """The text of a tag of Windows, which is UTF-16."""
    data = bytes(value) if isinstance(value, (bytes, tuple)) else b""
    return data.decode("utf-16-le", "replace").split("\0")[0].strip()


def _comment(value: Any) -> str:
    data = value if isinstance(value, bytes) else b""
    return data[8:].decode(_ENCODINGS.get(data[:8], "utf-8"), "replace").strip("\0 ")
