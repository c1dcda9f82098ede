"""Versions of decoding: whether a file of an older index would decode to other pieces now."""

import re
from collections.abc import Mapping

from omnisearch.config import Settings

VERSION = 6  # raise it whenever the same file would decode to other pieces, and name the kinds that would in `changed`
_FINGERPRINT = re.compile(r"media-(\d+):(.*)")


def fingerprint(settings: Settings) -> str:
    """The decoder's version and the segmentation as a string; pieces made under another fingerprint are stale."""
    seconds = f"{settings.segment_seconds:g}+{settings.segment_overlap:g}"
    return f"media-{VERSION}:seconds={seconds}:characters={settings.passage_characters}+{settings.passage_overlap}"


def changed() -> Mapping[int, frozenset[str]]:
    """The MIME types whose files decode to other pieces in a version than in the one before it."""
    from omnisearch.media.kinds import IMAGES, OBJECTS

    return {
        4: frozenset({"application/pdf"}),  # passages end with a page, and name it
        5: frozenset(kind.mime for kind in OBJECTS.values()),  # their surfaces are drawn by ray casting
        6: frozenset(kind.mime for kind in IMAGES.values()),  # no more pixels than the model reads, resized once
    }


def is_current(made_by: str, now: str, mime: str) -> bool:
    """Whether a file of this type decodes to the same pieces under two fingerprints of decoding.

    So an index keeps what an older version read, except the kinds that changed since.
    """
    if made_by == now:
        return True
    before, after = _FINGERPRINT.fullmatch(made_by), _FINGERPRINT.fullmatch(now)
    if before is None or after is None or before[2] != after[2]:
        return False
    versions, kinds = range(int(before[1]) + 1, int(after[1]) + 1), changed()
    return int(before[1]) <= int(after[1]) and all(v in kinds and mime not in kinds[v] for v in versions)
