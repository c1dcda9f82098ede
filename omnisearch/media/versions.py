"""Versions of decoding: whether a file of an older index would decode to other pieces now."""

import re
from collections.abc import Mapping

from omnisearch.media.kinds import IMAGES, OBJECTS

VERSION = 6  # raise it whenever the same file would decode to other pieces, and name the kinds that would in CHANGED
# The MIME types whose files decode to other pieces in a version than in the one before it.
CHANGED: Mapping[int, frozenset[str]] = {
    4: frozenset({"application/pdf"}),  # passages end with a page, and name it
    5: frozenset(kind.mime for kind in OBJECTS.values()),  # their surfaces are drawn by ray casting
    6: frozenset(kind.mime for kind in IMAGES.values()),  # no more pixels than the model reads, resized once
}
_FINGERPRINT = re.compile(r"media-(\d+):(.*)")


def is_current(made_by: str, now: str, mime: str) -> bool:
    """Whether a file of this type decodes to the same pieces under two fingerprints of decoding.

    So an index keeps what an older version read, except the kinds that changed since.
    """
    before, after = _FINGERPRINT.fullmatch(made_by), _FINGERPRINT.fullmatch(now)
    if before is None or after is None or before[2] != after[2]:
        return made_by == now
    versions = range(int(before[1]) + 1, int(after[1]) + 1)
    return int(before[1]) <= int(after[1]) and all(v in CHANGED and mime not in CHANGED[v] for v in versions)
