"""Renditions: forms of a file that are made for viewing, such as its picture."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from omnisearch.media.file import ILLUSTRATED
from omnisearch.media.kinds import TEXTS
from omnisearch.types import Modality

# A check reads at most this much of the beginning.
HEAD_BYTES = 65_536
# Documents that have a first page, a cover or a picture of their first page.
COVERED = frozenset(TEXTS[name].mime for name in ILLUSTRATED)
FRAMES = 1000  # of one film
# The version of the look of renditions. It is in their names, so that after a change they are made and sent again.
DRAWING = 1
_PICTURED = frozenset(Modality) - {Modality.TEXT}
SMALL_SIDE = 320  # the longer side of a small picture, in pixels
_EXTENDED_WEBP = b"VP8X"


class Rendition(StrEnum):
    """A form that a file can be shown in. The value is the suffix of the names of cached files."""

    SMALL = "webp"  # a picture with its longer side at most SMALL_SIDE
    LARGE = "large.webp"  # the same, at most 1280
    GLB = "glb"  # a 3D object for viewers
    PEAKS = "peaks.json"  # the waveform of a sound or of the sound track of a film

    def suits(self, modality: Modality, mime: str) -> bool:
        """Whether files of this modality and type may have this rendition."""
        return modality in _SUITS.get(self, _PICTURED) or (self in (self.SMALL, self.LARGE) and mime in COVERED)

    @property
    def noun(self) -> str:
        """The name of the rendition in messages."""
        return {Rendition.GLB: "3D preview", Rendition.PEAKS: "peaks"}.get(self, "preview")

    def is_whole(self, head: bytes, size: int) -> bool:
        """Whether `size` bytes that begin with `head` are a complete rendition of this form."""
        if self is Rendition.GLB:
            return head[:4] == b"glTF" and int.from_bytes(head[8:12], "little") == size
        if self is Rendition.PEAKS:
            return len(head) == size and _are_peaks(head)
        # Earlier versions wrote simple WebP files, without a placeholder: they are made again.
        is_webp = head[:4] == b"RIFF" and head[8:16] == b"WEBP" + _EXTENDED_WEBP
        return is_webp and int.from_bytes(head[4:8], "little") + 8 == size


@dataclass(frozen=True)
class Frame:
    """The small picture of a film at a second: another rendition, of which a film has at most FRAMES."""

    second: int

    noun = "frames"

    @classmethod
    def at(cls, seconds: float, duration: float | None) -> "Frame":
        """The frame nearest before a time in a film of `duration` seconds; the last one for a later time."""
        step = max(1, math.ceil((duration or 0.0) / FRAMES))
        last = max(0, math.ceil(duration) - 1) if duration else FRAMES - 1
        return cls(int(min(max(seconds, 0.0), last)) // step * step)

    def __str__(self) -> str:
        return f"frame.{self.second}.{Rendition.SMALL}"

    def suits(self, modality: Modality, mime: str) -> bool:  # noqa: ARG002 - as `Rendition`
        """Whether files of this modality have frames."""
        return modality is Modality.VIDEO

    def is_whole(self, head: bytes, size: int) -> bool:
        """As `Rendition.is_whole`."""
        return Rendition.SMALL.is_whole(head, size)


@dataclass(frozen=True)
class PagePicture:
    """The large picture of a page of a PDF, counted from 1: another rendition."""

    number: int

    @property
    def noun(self) -> str:
        """The name of the page in a message."""
        return f"page {self.number}"

    def __str__(self) -> str:
        return f"page.{self.number}.{Rendition.LARGE}"

    def suits(self, modality: Modality, mime: str) -> bool:  # noqa: ARG002 - as `Rendition`
        """Whether files of this type have pages."""
        return mime == TEXTS["pdf"].mime

    def is_whole(self, head: bytes, size: int) -> bool:
        """As `Rendition.is_whole`."""
        return Rendition.LARGE.is_whole(head, size)


AnyRendition: TypeAlias = Rendition | Frame | PagePicture


def parse_rendition(text: str) -> AnyRendition:
    """Return the rendition that `str` wrote."""
    name, _, rest = text.partition(".")
    if name not in ("frame", "page"):
        return Rendition(text)
    number = int(rest.partition(".")[0])
    return Frame(number) if name == "frame" else PagePicture(number)


def rendition_name(item_id: str, rendition: AnyRendition) -> str:
    """Return the name of an item's rendition: of its kept file, and its entity tag."""
    return f"{item_id}.{DRAWING}.{rendition}"


_SUITS: Mapping[Rendition, frozenset[Modality]] = {
    Rendition.GLB: frozenset({Modality.POINT_CLOUD}),
    Rendition.PEAKS: frozenset({Modality.AUDIO, Modality.VIDEO}),
}


def _are_peaks(text: bytes) -> bool:
    from pydantic import ValidationError  # decoders import this module, and would start later by a quarter

    from omnisearch.schema.peaks import PeaksOut

    try:
        PeaksOut.model_validate_json(text)
    except ValidationError:
        return False
    return True
