"""Pictures with more than 8 bits per sample, scaled from their white level to 8 bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Bit depths of cameras and scanners. Without metadata the smallest depth that holds the largest sample is used.
_DEPTHS = (8, 10, 12, 14, 16)
_TAGS_BITS, _TAGS_PHOTOMETRIC, _TAGS_WHITE = 258, 262, 281  # TIFF tags; 281 is MaxSampleValue
_WHITE_IS_ZERO = 0
_OTHER_BYTE = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B"}


def eight_bits(image: Image.Image, reopened: Callable[[], Any | None]) -> Image.Image:
    """Convert a picture to 8 bits per sample. `reopened` opens its file again; it returns None if that fails."""
    if image.mode.startswith(("I", "F")):
        return _like(image, _grey(image))
    if image.mode in ("RGB", "RGBA") and (values := _dark_deep(image, reopened)) is not None:
        return _like(image, Image.fromarray(values))
    return image


def _like(image: Image.Image, other: Image.Image) -> Image.Image:
    other.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return other


def _grey(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        low, high = 0.0, _white(tags, values)
    else:
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, 1e-9)
    if tags.get(_TAGS_PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = 1 - scaled
    return Image.fromarray((scaled * 255).clip(0, 255).astype(np.uint8))


def _white(tags: Any, values: NDArray[Any]) -> float:
    """The white level: from TIFF tags, else the maximum of the smallest bit depth that holds all values."""
    white, bits = (_largest(tags.get(tag)) for tag in (_TAGS_WHITE, _TAGS_BITS))
    if white is not None and values.max() <= white < 65535:
        return float(white)
    depth = next(depth for depth in _DEPTHS if values.max() < 1 << depth)
    return float((1 << max(depth, bits if bits is not None and 8 < bits < 16 else 0)) - 1)


def _largest(value: Any) -> int | None:
    numbers = value if isinstance(value, tuple) else (value,)
    return max((int(number) for number in numbers if isinstance(number, int) and number > 0), default=None)


def _dark_deep(image: Image.Image, reopened: Callable[[], Any | None]) -> NDArray[np.uint8] | None:
    """Rescale a picture with 16 bits per sample whose white level is lower; Pillow keeps only the upper bytes."""
    upper = np.asarray(image)
    if upper[..., :3].max() >= 64:
        return None
    again = reopened()
    if again is None or not (tiles := _other_byte(again)):
        return None
    again.tile = tiles
    again.load()
    values = upper[..., :3].astype(np.uint16) << 8 | np.asarray(again)[..., :3]
    white = _white(getattr(again, "tag_v2", {}), values)
    scaled: NDArray[np.uint8] = (values / white * 255).clip(0, 255).astype(np.uint8)
    return np.concatenate([scaled, upper[..., 3:]], axis=2)


def _other_byte(image: Any) -> list[Any]:
    """Change the tiles of a picture to decode the lower bytes; empty if its samples have 8 bits."""
    tiles = []
    for tile in image.tile:
        args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        other = _OTHER_BYTE.get(str(args[0])[-4:])
        if other is None:
            return []
        rawmode = str(args[0])[:-4] + other
        tiles.append(tile._replace(args=(rawmode, *args[1:]) if isinstance(tile.args, tuple) else rawmode))
    return tiles
