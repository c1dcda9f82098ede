"""Short films made of still pictures and a sound of the same thing."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from PIL import Image

from omnisearch.types import Floats, Pixels

_FRAMES_PER_SECOND = 8
_SECONDS_PER_PICTURE = 2.5
_WIDTH, _HEIGHT = 320, 240
_NEAREST = 1.25  # how far the camera moves in during one picture
_CODECS = {".mp4": ("libx264", "aac"), ".webm": ("libvpx", "libopus")}
RATE = 48_000


def write_film(pictures: Sequence[Path], sound: Path, target: Path) -> None:
    """Show each picture for a while, slowly nearer, while `sound` plays; `target` is .mp4 or .webm."""
    samples = _sound(sound, len(pictures) * _SECONDS_PER_PICTURE)
    write_frames(_frames(pictures), _FRAMES_PER_SECOND, samples, target)


def write_frames(frames: Iterable[Pixels], per_second: int, samples: Floats, target: Path) -> None:
    """Write frames (height, width, 3) of one size, and samples (n,) at RATE, to a film, .mp4 or .webm."""
    video_codec, audio_codec = _CODECS[target.suffix]
    partial = target.with_name(f"partial-{target.name}")
    shown = iter(frames)
    first = next(shown)
    with av.open(str(partial), "w") as film:
        video = film.add_stream(video_codec, rate=per_second)
        assert isinstance(video, av.VideoStream)
        video.height, video.width = first.shape[:2]
        video.pix_fmt, video.bit_rate = "yuv420p", 4 * first.shape[0] * first.shape[1]
        audio = film.add_stream(audio_codec, rate=RATE, layout="mono")
        assert isinstance(audio, av.AudioStream)
        for frame in chain([first], shown):
            film.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(video.encode(None))
        for start in range(0, len(samples), RATE // 10):
            heard = av.AudioFrame.from_ndarray(samples[None, start : start + RATE // 10], format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = RATE, start, Fraction(1, RATE)
            film.mux(audio.encode(heard))
        film.mux(audio.encode(None))
    partial.rename(target)


def _sound(path: Path, seconds: float) -> Floats:
    """Read the first channel at `RATE`, repeated or cut to `seconds`."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    heard: Floats = soxr.resample(samples[:, 0], rate, RATE).astype(np.float32)
    return np.resize(heard, int(seconds * RATE))


def _frames(pictures: Sequence[Path]) -> Iterator[Pixels]:
    count = int(_SECONDS_PER_PICTURE * _FRAMES_PER_SECOND)
    for path in pictures:
        picture = Image.open(path).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        for nearness in np.linspace(1, _NEAREST, count):
            width, height = _fit(paper.size, float(nearness))
            canvas = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
            canvas.paste(paper.convert("RGB").resize((width, height)), ((_WIDTH - width) // 2, (_HEIGHT - height) // 2))
            yield np.asarray(canvas, dtype=np.uint8)


def _fit(size: tuple[int, int], nearness: float) -> tuple[int, int]:
    scale = nearness * min(_WIDTH / size[0], _HEIGHT / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
