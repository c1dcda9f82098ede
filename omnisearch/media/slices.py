"""Check that a file contains a slice: the part of it that a term names."""

from omnisearch.errors import MediaError, Reason
from omnisearch.types import Modality, Page, Region, Slice, Stretch

# Seconds by which a range may exceed the sound, because players show rounded times.
ROUNDED = 0.1

_SLICED: dict[type[Slice], tuple[Modality, ...]] = {
    Stretch: (Modality.AUDIO, Modality.VIDEO),
    Region: (Modality.IMAGE,),
    Page: (Modality.TEXT,),
}


def check_kind(part: Slice | None, modality: Modality) -> None:
    """Refuse a slice that does not apply to this modality.

    Raises:
        MediaError: bad_slice.
    """
    if part is not None and modality not in _SLICED[type(part)]:
        kinds = " or ".join(_SLICED[type(part)])
        raise MediaError(Reason.BAD_SLICE, f"@{part} is a part of {kinds}, and the file is {modality}")


def check_seconds(part: Stretch | None, seconds: float | None) -> None:
    """Refuse a time range that is not within `seconds`, if the duration is known.

    Raises:
        MediaError: bad_slice, with the real end.
    """
    if part is not None and seconds is not None and (part.end > seconds + ROUNDED or part.start >= seconds):
        raise MediaError(Reason.BAD_SLICE, f"@{part} is outside of 0-{seconds:.10g} seconds")


def pixels_of(part: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the left, upper, right and lower edge of a region of an image of `width` x `height` pixels.

    Raises:
        MediaError: bad_slice, with the real sides.
    """
    across, down = (width, height) if part.relative else (1, 1)
    edges = (part.x * across, part.y * down, (part.x + part.width) * across, (part.y + part.height) * down)
    left, upper, right, lower = (round(edge) for edge in edges)
    if right > width or lower > height:
        raise MediaError(Reason.BAD_SLICE, f"@{part} is outside of {width} x {height} pixels")
    if right - left < 1 or lower - upper < 1:
        raise MediaError(Reason.BAD_SLICE, f"@{part} holds no pixel of {width} x {height}")
    return left, upper, right, lower
