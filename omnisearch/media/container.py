"""FFmpeg's door: containers from an allow-list, read from an open file, never from a path or an address."""

from typing import Any, BinaryIO

import av
import av.logging

from omnisearch.errors import MediaError, Reason

# hls, dash, concat, sdp, image2 and lavfi open other files or addresses that the content names.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,ogg,wav,w64,flac,mp3,aac,aiff,mpegvideo"
_OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": ""}

av.logging.set_level(None)


def open_container(file: BinaryIO) -> Any:
    """Open a container for reading; close it, or use it as a context manager."""
    file.seek(0)
    return av.open(file, mode="r", options=_OPTIONS, metadata_errors="replace")


def check_decoder(stream: Any) -> None:
    """Refuse a stream that FFmpeg cannot decode, which has no properties either.

    Raises:
        MediaError: unsupported_format.
    """
    if stream.codec_context is None:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"no decoder for its {stream.type} stream")


def seconds(container: Any) -> float | None:
    """The duration that the header tells, None where it tells nothing believable."""
    if container.duration is None or not 0 < container.duration < 10**13:
        return None
    return float(container.duration / av.time_base)
