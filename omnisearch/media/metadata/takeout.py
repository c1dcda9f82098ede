"""The JSON files that Google Takeout writes beside pictures and films."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from omnisearch.media.metadata.moments import universal_time
from omnisearch.media.metadata.sidecar_names import LONGEST_NAME, originals

MAX_BYTES = 1 << 20


def read_takeout(data: bytes, name: str) -> Mapping[str, Any]:
    """Return the fields of a JSON file that belongs to the file `name`.

    Raises:
        ValueError: it is not of Takeout's form, or belongs to another file.
    """
    try:
        said = json.loads(data)
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None
    if not isinstance(said, dict) or not isinstance(said.get("title"), str):
        raise ValueError("not a JSON file of Takeout")
    if not _is_title_of(said["title"], name):
        raise ValueError(f"a JSON file that belongs to {said['title'][:100]!r}")
    position = next((spot for key in ("geoData", "geoDataExif") if (spot := _position(said.get(key)))), None)
    people = said.get("people")
    names = [one.get("name") for one in people if isinstance(one, dict)] if isinstance(people, list) else []
    time = _time(said.get("photoTakenTime"))
    return {"time": time, "position": position, "caption": said.get("description"), "keywords": names}


def _is_title_of(title: str, name: str) -> bool:
    """Whether the title, which is the name of the file in Google Photos, can be the name of this file.

    Takeout replaces characters that file systems refuse, and cuts long names.
    """
    wanted = PurePosixPath(re.sub(r"[^\w.() -]", "_", title)).stem.casefold()
    for original, _ in originals(re.sub(r"[^\w.() -]", "_", name)):
        stem = PurePosixPath(original).stem.casefold()
        if stem == wanted or (len(original) >= LONGEST_NAME and wanted.startswith(stem)):
            return True
    return False


def _time(value: Any) -> str:
    try:
        return universal_time(int(value["timestamp"]))
    except (KeyError, TypeError, ValueError):
        return ""


def _position(value: Any) -> tuple[Any, Any] | None:
    """The position, unless it is (0, 0), which Takeout writes where there is none."""
    if not isinstance(value, dict):
        return None
    latitude, longitude = value.get("latitude"), value.get("longitude")
    return (latitude, longitude) if latitude or longitude else None
