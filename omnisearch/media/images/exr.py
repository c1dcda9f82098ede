"""OpenEXR: the colours of the first part, in linear light."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images.limits import check_size
from omnisearch.media.images.partial import broken
from omnisearch.media.images.tone import tone_mapped
from omnisearch.media.kinds import Kind
from omnisearch.types import Floats

_TYPES = {"HALF": np.float16, "FLOAT": np.float32, "UINT": np.uint32}
_COLORS = (("R", "G", "B"), ("r", "g", "b"), ("Y",))


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:  # noqa: ARG001
    """Read the channels R, G and B, or Y, and A if there is one, and map their tones.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, unsupported_format or damaged.
    """
    import OpenEXR

    source.file.seek(0)
    try:
        file = OpenEXR.InputFile(source.file)
        header: dict[str, Any] = file.header()
        window = header["dataWindow"]
        width, height = window.max.x - window.min.x + 1, window.max.y - window.min.y + 1
        check_size(width, height)
        names = _colors(header["channels"])
        colors = [_channel(file, header, name, width, height) for name in names]
        alpha = _channel(file, header, "A", width, height) if "A" in header["channels"] else None
    except (MediaError, MemoryError):
        raise
    except Exception:
        raise broken(kind) from None
    light = np.stack(colors * 3 if len(colors) == 1 else colors, axis=-1)
    return _picture(light, alpha), (width, height)


def _colors(channels: dict[str, Any]) -> tuple[str, ...]:
    """The names of the colour channels: those without a layer, else those of the first layer that has them."""
    prefixes = ["", *sorted({name.rpartition(".")[0] + "." for name in channels if "." in name})]
    for prefix in prefixes:
        for names in _COLORS:
            full = tuple(prefix + name for name in names)
            if all(name in channels for name in full):
                return full
    raise MediaError(Reason.UNSUPPORTED_FORMAT, f"exr: no colours among its channels {', '.join(list(channels)[:8])}")


def _channel(file: Any, header: dict[str, Any], name: str, width: int, height: int) -> Floats:
    channel = header["channels"][name]
    if (channel.xSampling, channel.ySampling) != (1, 1):
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"exr: the channel {name} is subsampled")
    kind = _TYPES[str(channel.type).rpartition(".")[2]]
    values: NDArray[Any] = np.frombuffer(file.channel(name), kind)
    return values.reshape(height, width).astype(np.float32)


def _picture(light: Floats, alpha: Floats | None) -> Image.Image:
    """Divide colours by alpha, because OpenEXR stores them premultiplied, and map their tones."""
    if alpha is None:
        return tone_mapped(light)
    opaque = np.nan_to_num(alpha).clip(0.0, 1.0)
    image = tone_mapped(light / np.maximum(opaque, 1e-4)[..., None])
    image.putalpha(Image.fromarray((opaque * 255).round().astype(np.uint8)))
    return image
