"""PyAV: open containers of an allow-list from an open file, never from a path or an address."""

import os
from typing import Any, BinaryIO

import av
import av.logging
from av.error import FFmpegError

from omnisearch.errors import MediaError, Reason

# One demuxer of FFmpeg per line, with the files that need it. Never add hls, dash, concat, sdp, image2 or lavfi: they
# open other files or addresses that the content names.
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2",  # films and sounds of phones, cameras and shops
    "matroska,webm",  # films from the web and from discs
    "avi",  # older cameras
    "flv",  # older web films
    "asf",  # Windows Media: wmv and wma
    "mxf",  # professional cameras
    "mpeg",  # DVDs
    "mpegts",  # broadcasts and AVCHD cameras
    "mpegvideo",  # bare MPEG pictures
    "ogg",  # Vorbis, Opus, Theora
    "wav",  # samples that libsndfile does not decode
    "w64",  # WAVE over 4 GiB
    "aiff",  # compressed AIFC
    "caf",  # Apple's sound files
    "au",  # Unix sounds
    "flac",  # damaged FLAC, which libsndfile refuses
    "mp3",  # MPEG sound
    "aac",  # bare AAC
    "ac3,eac3",  # sound of films
    "dts",  # sound of films
    "wv",  # WavPack
    "tta",  # True Audio
    "amr",  # voice recorders
)
_OPTIONS = {"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": ""}

MAX_BOXES = 1000
_FIRST_BOXES = {b"ftyp", b"mdat", b"wide", b"free", b"skip"}

av.logging.set_level(None)


def open_container(file: BinaryIO, probed: int | None = None) -> Any:
    """Open a container for reading; close it, or use it as a context manager.

    FFmpeg finds the properties of its streams in the first `probed` bytes, 5 MB by default, which it decodes.

    Raises:
        MediaError: damaged, if it is ISO base media that lacks its index.
    """
    file.seek(0)
    try:
        options = _OPTIONS if probed is None else {**_OPTIONS, "probesize": str(probed)}
        return av.open(file, mode="r", options=options, metadata_errors="replace")
    except (FFmpegError, EOFError):
        if _lacks_index(file):
            raise MediaError(Reason.DAMAGED, "incomplete file: its index (moov) is missing") from None
        raise


def check_decoder(stream: Any) -> None:
    """Refuse a stream that FFmpeg cannot decode, which has no properties either.

    Raises:
        MediaError: unsupported_format.
    """
    if stream.codec_context is None:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"no decoder for its {stream.type} stream")


def _lacks_index(file: BinaryIO) -> bool:
    """Whether the file is ISO base media or QuickTime without a whole `moov` box."""
    length = file.seek(0, os.SEEK_END)
    at, first = 0, b""
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:  # a 64-bit size follows the name
            size = int.from_bytes(head[8:16], "big")
        first = first or name
        if size < 8 or at + size > length:  # the box is cut, or there is none
            break
        if name == b"moov":
            return False
        at += size
    return first in _FIRST_BOXES


def seconds(container: Any) -> float | None:
    """The duration in the header, in seconds; None if it is missing or implausible."""
    if container.duration is None or not 0 < container.duration < 10**13:
        return None
    return float(container.duration / av.time_base)
