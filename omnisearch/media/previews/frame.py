"""The picture of a film at a second."""

from av.error import FFmpegError

from omnisearch.errors import MediaError, Reason
from omnisearch.media.container import check_decoder, open_container
from omnisearch.media.file import Source
from omnisearch.media.packets import Packets
from omnisearch.media.video import MAX_PIXELS, frame_pixels, moving_pictures
from omnisearch.types import Pixels

_DECODED = 600  # frames from the seek point on; some films can only be read from their beginning


def frame(source: Source, second: int) -> Pixels | None:
    """The first picture at or after `second`, or the last one before it, its longer side at most `source.side`.

    None if the file has no moving pictures.

    Raises:
        MediaError: unsupported_format or too_many_pixels.
    """
    with open_container(source.file) as container:
        pictures = moving_pictures(container)
        if not pictures:
            return None
        picture = pictures[0]
        check_decoder(picture)
        if picture.width * picture.height > MAX_PIXELS:
            raise MediaError(Reason.TOO_MANY_PIXELS, f"{picture.width} x {picture.height} per frame")
        picture.codec_context.skip_frame = "NONREF"
        origin = picture.start_time or 0
        try:
            container.seek(origin + int(second / picture.time_base), stream=picture)
        except FFmpegError:
            container.seek(0)
        last = None
        for number, (_, last) in enumerate(Packets(container, picture), start=1):
            time = None if last.time is None else last.time - float(origin * picture.time_base)
            if number == _DECODED or (time is not None and time >= second):
                break
        return None if last is None else frame_pixels(last, source.side)
