"""Load pictures of which only a part decodes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import MAX_BYTES, Source
from omnisearch.media.kinds import Kind
from omnisearch.types import Modality

# A picture with a smaller share of its rows says too little.
LEAST_ROWS = 0.1
_GREY = 128  # libjpeg's value for what is missing

Opener: TypeAlias = Callable[[BinaryIO], Any]


def load(opened: Opener, source: Source, kind: Kind, notes: list[str]) -> Image.Image:
    """Load a picture; of a damaged one the rows that decode, and a note.

    Where a slice is wanted, missing rows stay in place, so that its coordinates hold.

    Raises:
        MediaError: damaged, if less than a tenth of the rows decodes.
    """
    try:
        image: Image.Image = opened(source.file)
        image.load()
        return image
    except (MediaError, MemoryError, NotImplementedError):
        raise
    except Exception as error:
        broken = error if isinstance(error, UnidentifiedImageError) else _broken(kind)
    again = _webp if kind.format == "webp" else _tolerant
    image, rows, share = again(opened, source.file, broken)
    if share < LEAST_ROWS:
        raise MediaError(Reason.DAMAGED, f"{kind.format}: {share:.0%} of the rows of the picture decode")
    notes.append(f"partly read: {share:.0%} of the rows of the picture decode")
    return image if source.part else image.crop((0, rows.start, image.width, rows.stop))


def _broken(kind: Kind) -> MediaError:
    return MediaError(Reason.DAMAGED, f"{kind.format}: it breaks off or its data are broken")


def _tolerant(opened: Opener, file: BinaryIO, broken: Exception) -> tuple[Image.Image, range, float]:
    """Let Pillow go on after errors. Rows at the edges that are as in a new picture did not decode.

    Returns the picture, the rows from the first to the last that decode, and their share.
    """
    with _tolerance():
        try:
            image: Any = opened(file)
        except MediaError:
            raise
        except Exception:
            raise broken from None
        with suppress(Exception):  # what decoded before the error is there
            image.load()
    if image._im is None:
        raise broken
    loaded = Image.Image()._new(image._im)
    loaded.info = image.info
    fills = {0, image.info.get("transparency"), _GREY if image.format == "JPEG" else 0}
    values = np.asarray(loaded).reshape(loaded.height, -1)
    present = ~np.any([(values == fill).all(axis=1) for fill in fills if isinstance(fill, int)], axis=0)
    found = np.flatnonzero(present)
    rows = range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)
    if image.format == "GIF" and len(found):  # rows may be interlaced: one that is missing is like the one above
        above = np.maximum.accumulate(np.where(present, np.arange(len(present)), found[0]))
        loaded.frombytes(np.ascontiguousarray(np.asarray(loaded)[above]).tobytes())
        return loaded, rows, len(found) / len(present)
    return loaded, rows, len(rows) / len(present)


def _webp(opened: Opener, file: BinaryIO, broken: Exception) -> tuple[Image.Image, range, float]:
    """Fill a WebP up to its declared size in two ways. Rows on which both decodings agree were in the file."""
    file.seek(0)
    data = file.read()
    declared = int.from_bytes(data[4:8], "little") + 8
    missing = min(declared, MAX_BYTES[Modality.IMAGE]) - len(data)
    decoded: list[Image.Image] = []
    for byte in (b"\0", b"\xa5"):
        try:
            image = opened(BytesIO(data + byte * missing))
            image.load()
        except (OSError, ValueError, SyntaxError):
            raise broken from None
        decoded.append(image)
    first, second = (np.asarray(each).reshape(each.height, -1) for each in decoded)
    differ = (first != second).any(axis=1)
    rows = range(int(differ.argmax()) if differ.any() else len(differ))
    return decoded[0], rows, len(rows) / len(differ)


@contextmanager
def _tolerance() -> Iterator[None]:
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
