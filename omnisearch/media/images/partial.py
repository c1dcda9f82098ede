"""Load damaged pictures as far as they decode."""

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

# A picture with a smaller share of its rows is useless.
LEAST_ROWS = 0.1
_GREY = 128  # libjpeg's value for missing pixels

Opener: TypeAlias = Callable[[BinaryIO], Any]


def load(opened: Opener, source: Source, kind: Kind, notes: list[str]) -> Image.Image:
    """Load a picture. Of a damaged picture, load the rows that decode, and add a note.

    If a slice is requested, missing rows stay in place, so that its coordinates are valid.

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
        failure = error if isinstance(error, UnidentifiedImageError) else broken(kind)
    again = _webp if kind.format == "webp" else _tolerant
    image, rows, share = again(opened, source.file, failure)
    if share < LEAST_ROWS:
        raise MediaError(Reason.DAMAGED, f"{kind.format}: {share:.0%} of the rows of the picture decode")
    notes.append(f"partly read: {_rows(share)} of the picture decode")
    return image if source.slice else image.crop((0, rows.start, image.width, rows.stop))


def _rows(share: float) -> str:
    """Name the share of the rows; never 100%, which reads as undamaged."""
    return "the file is incomplete or damaged, but all rows" if share >= 1 else f"{min(share, 0.99):.0%} of the rows"


def broken(kind: Kind) -> MediaError:
    """Make the error for a picture that ends too early or has invalid data."""
    return MediaError(Reason.DAMAGED, f"{kind.format}: the file ends too early or its data are broken")


def _tolerant(opened: Opener, file: BinaryIO, failure: Exception) -> tuple[Image.Image, range, float]:
    """Let Pillow continue after errors. Rows at the edges that equal an empty picture did not decode.

    Returns the picture, the rows from the first to the last that decode, and their share.
    """
    with _tolerance():
        try:
            image: Any = opened(file)
        except MediaError:
            raise
        except Exception:
            raise failure from None
        with suppress(Exception):  # the rows that decoded before the error are kept
            image.load()
    if image._im is None:
        raise failure
    loaded = Image.Image()._new(image._im)
    loaded.info = image.info
    fills = {0, image.info.get("transparency"), _GREY if image.format == "JPEG" else 0}
    values = np.asarray(loaded).reshape(loaded.height, -1)
    present = ~np.any([(values == fill).all(axis=1) for fill in fills if isinstance(fill, int)], axis=0)
    found = np.flatnonzero(present)
    rows = range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)
    if image.format == "GIF" and len(found):  # rows may be interlaced: a missing row copies the one above
        above = np.maximum.accumulate(np.where(present, np.arange(len(present)), found[0]))
        loaded.frombytes(np.ascontiguousarray(np.asarray(loaded)[above]).tobytes())
        return loaded, rows, len(found) / len(present)
    return loaded, rows, len(rows) / len(present)


def _webp(opened: Opener, file: BinaryIO, failure: Exception) -> tuple[Image.Image, range, float]:
    """Pad a WebP to its declared size with two different bytes. Rows equal in both decodings were in the file."""
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
            raise failure from None
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
