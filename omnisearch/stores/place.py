"""The place of a point: the fields of its payload that ranking needs, which are also packed into a vector."""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from omnisearch.errors import DamageError
from omnisearch.types import Modality

# The fields of a payload that make its place.
PLACE_FIELDS = ("item_id", "segment", "segments", "modality", "unit")
# Packed: the 16 bytes of an item id, `segment`, `segments`, and the codes of modality and unit.
_BYTES = struct.Struct("<16sIIBB")
PLACE_BYTES = _BYTES.size
_ID_BYTES = 16
# A code is a position in these, and indexes have codes: only append to them.
_MODALITIES = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO, Modality.POINT_CLOUD)
_UNITS = ("", "seconds", "characters")


class Place(NamedTuple):
    """The item of a point, the index `segment` among its `segments`, and the `unit` of its bounds, "" without bounds.

    Places sort by item, and then by segment.
    """

    item_id: str
    segment: int
    segments: int
    modality: Modality
    unit: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Place":
        """Return the place of a point from its payload, of which PLACE_FIELDS are enough.

        Raises:
            DamageError: a field is missing or malformed, so the engine's files are damaged.
        """
        try:
            item_id, segment, modality = str(row["item_id"]), int(row["segment"]), Modality(row["modality"])
            return cls(item_id, segment, int(row.get("segments", 1)), modality, row["unit"] or "")
        except (KeyError, TypeError, ValueError) as error:
            raise damaged_point(error) from error

    def packed(self) -> bytes | None:
        """Return the place as PLACE_BYTES bytes; None if the item id is not a hash in hexadecimal."""
        try:
            named = bytes.fromhex(self.item_id)
        except ValueError:
            return None
        if len(named) != _ID_BYTES or named.hex() != self.item_id:
            return None
        codes = _MODALITIES.index(self.modality), _UNITS.index(self.unit)
        return _BYTES.pack(named, self.segment, self.segments, *codes)

    @classmethod
    def unpacked(cls, packed: bytes) -> "Place":
        """Return the place from the bytes that `packed` returned."""
        named, segment, segments, modality, unit = _BYTES.unpack(packed)
        return cls(named.hex(), segment, segments, _MODALITIES[modality], _UNITS[unit])


def damaged_point(error: Exception) -> DamageError:
    """Return the error for a payload that cannot be read."""
    return DamageError(f"the index has a damaged point ({error!r}): run `omnisearch repair`")
