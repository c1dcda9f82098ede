"""Textures of 3D objects: load pictures beside the file or inside it, and shrink them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source

MAX_PIXELS = 64_000_000
SIDE = 1024
MAX_NAME = 4096  # of a path in a 3D file; a longer one names no file


def sibling(source: Source, name: str) -> bytes | None:
    """The content of the file that a 3D file names, verbatim or percent-encoded; None if it does not exist.

    A path of the author's own machine (`C:\\work\\wood.png`, `../maps/wood.png`) is looked up by its last part too.
    """
    name = name.strip()[:MAX_NAME]
    candidates = dict.fromkeys((name, unquote(name), PurePosixPath(unquote(name).replace("\\", "/")).name))
    return next((data for candidate in candidates if candidate and (data := source.sibling(candidate))), None)


def is_picture(data: bytes) -> bool:
    """Whether the header of a texture can be read and promises no more than MAX_PIXELS."""
    try:
        with Image.open(BytesIO(data)) as image:
            return image.width * image.height <= MAX_PIXELS
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def shrunk(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a texture, RGBA, with its longer side at most SIDE.

    Raises:
        MediaError: too_many_pixels.
    """
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(Reason.TOO_MANY_PIXELS, f"a texture of {image.width} x {image.height}")
    image = image.convert("RGBA")
    image.thumbnail((SIDE, SIDE))
    return np.asarray(image, dtype=np.uint8)


class Textures:
    """The textures that one object names, as `find` returns their content.

    Each is read once; a texture that cannot be read becomes a note.
    """

    def __init__(self, find: Callable[[str], bytes | None], notes: list[str]) -> None:
        self._find, self._notes = find, notes
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> NDArray[np.uint8] | None:
        if name not in self._read:
            self._read[name] = self._open(name)
        found: NDArray[np.uint8] | None = self._read[name]
        return found

    def _open(self, name: str) -> NDArray[np.uint8] | None:
        if name.startswith("*"):  # Assimp's name for a picture inside the file, which its binding does not give out
            self._notes.append("a texture inside the file was not read")
            return None
        data = self._find(name)
        if data is None:
            self._notes.append(f"texture not found: {name}")
            return None
        try:
            return shrunk(Image.open(BytesIO(data)))
        except (OSError, ValueError, SyntaxError):
            self._notes.append(f"texture not readable: {name}")
            return None
