"""Renditions: forms of a file that are made for viewing, such as its picture."""

from enum import StrEnum

from pydantic import ValidationError

from omnisearch.schema.peaks import PeaksOut
from omnisearch.types import Modality

# A check reads at most this much of the beginning.
HEAD_BYTES = 65_536
_PICTURED = frozenset(Modality) - {Modality.TEXT}


class Rendition(StrEnum):
    """A form that a file can be shown in. The value is the suffix of the names of cached files."""

    SMALL = "webp"  # a picture with its longer side at most 320
    LARGE = "large.webp"  # the same, at most 1280
    GLB = "glb"  # a 3D object for viewers
    PEAKS = "peaks.json"  # the waveform of a sound or of the sound track of a film

    @property
    def suits(self) -> frozenset[Modality]:
        """The modalities that this rendition exists for."""
        return _SUITS.get(self, _PICTURED)

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
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP" and int.from_bytes(head[4:8], "little") + 8 == size


_SUITS = {
    Rendition.GLB: frozenset({Modality.POINT_CLOUD}),
    Rendition.PEAKS: frozenset({Modality.AUDIO, Modality.VIDEO}),
}


def _are_peaks(text: bytes) -> bool:
    try:
        PeaksOut.model_validate_json(text)
    except ValidationError:
        return False
    return True
