"""Video: segments of a few frames and their own sound, in one pass."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media import audio
from omnisearch.media.container import check_decoder, open_container, seconds
from omnisearch.media.file import Source
from omnisearch.media.kinds import SOUNDS, Kind
from omnisearch.media.packets import Packets
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import check_seconds
from omnisearch.types import Clip, Decoded, Floats, MediaInfo, Modality, Piece, Pixels, Stretch, Waveform

FRAMES = 8
LONGER_SIDE = 512
MAX_PIXELS = 2 * 3840 * 2160
MAX_GAP = 60.0  # seconds by which sound may start late, or by which one stream may be ahead of the other
_BLOCK = 8192  # samples of a sound track that are processed together
STILL = 1.0  # if sound exceeds the picture by more than these seconds, its segments show the last picture


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:
    """Stream a video as clips of up to 8 evenly spaced frames with the longer side at most 512.

    A container that holds only sound is decoded as audio; sound that has no decoder is left out.

    Raises:
        MediaError: no_video_stream, unsupported_format, too_many_pixels, bad_sample_rate, bad_channels, bad_slice or
            decode_error here;
            no_frames, non_finite or decode_error while the pieces are read.
    """
    container = open_container(source.file)
    pictures = moving_pictures(container)
    if not pictures:
        heard = bool(container.streams.audio)
        container.close()
        if not heard:
            raise MediaError(Reason.NO_VIDEO_STREAM, f"a {kind.format} file without pictures and sound")
        return audio.decode(source, _as_sound(kind), cut)
    picture = pictures[0]
    check_decoder(picture)
    if picture.width * picture.height > MAX_PIXELS:
        raise MediaError(Reason.TOO_MANY_PIXELS, f"{picture.width} x {picture.height} per frame")
    sound = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
    if sound is not None:
        audio.check_format(sound.rate or 0, sound.channels or 0)
    duration = seconds(container)
    part = source.slice if isinstance(source.slice, Stretch) else Stretch(0.0, math.inf)
    if source.slice is not None:
        check_seconds(part, duration)
        duration = part.end - part.start
    notes: list[str] = []
    pieces = _clips(container, picture, sound, duration, part, cut, notes)
    return Decoded(MediaInfo(Modality.VIDEO, kind.mime, duration), pieces, notes)


def poster(source: Source) -> Pixels | None:
    """A frame near the beginning that is not blank, its longer side at most `source.side`; None without video."""
    container = open_container(source.file)
    with container:
        if not container.streams.video:
            return None
        best: tuple[float, Pixels] | None = None
        for number, (_, frame) in enumerate(Packets(container, container.streams.video[0])):
            if number % 12 == 0:
                pixels = frame_pixels(frame, source.side)
                if best is None or pixels.std() > best[0]:
                    best = float(pixels.std()), pixels
            if number >= 48 or (best is not None and best[0] > 40):
                break
    return best[1] if best else None


def moving_pictures(container: Any) -> list[Any]:
    """The video streams of a container that are not the cover of a sound."""
    from av.stream import Disposition

    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def _as_sound(kind: Kind) -> Kind:
    mime = SOUNDS["m4a"].mime if kind.format == "mov" else kind.mime.replace("video/", "audio/")
    return replace(kind, modality=Modality.AUDIO, mime=mime)


@dataclass
class _Window:
    """Decoded frames and samples that later segments may still need.

    Its time starts at the start of `part`; frames outside the part are dropped. `rate` is the sample rate of the sound;
    `still` is the last picture before the part, which may still be shown when the part starts.
    """

    step: float
    part: Stretch
    rate: int
    still: Any = None
    heard: int = 0  # samples, including those before the part
    frames: list[tuple[float, Pixels]] = field(default_factory=list)
    next_frame: float = 0.0
    video_end: float = 0.0
    sound: list[Floats] = field(default_factory=list)
    sound_start: int = 0  # the first held sample, counted from the start of the video
    sound_end: int = 0

    @property
    def over(self) -> bool:
        """Whether all pictures of the part are decoded."""
        return self.video_end >= self.part.end - self.part.start

    def known(self, sound_time: float | None) -> float:
        """The time up to which picture and sound are decoded; no longer waits for a stream that is MAX_GAP behind."""
        if sound_time is None:
            return self.video_end
        if not self.frames:
            return 0.0
        return max(min(self.video_end, sound_time), max(self.video_end, sound_time) - MAX_GAP)

    def end(self, rate: int) -> float:
        """The end of the video in seconds, after everything is read."""
        heard = self.sound_end / rate
        return heard if heard > self.video_end + STILL else self.video_end

    def add_frame(self, time: float, length: float, frame: Any) -> None:
        time -= self.part.start
        if time < 0:
            self.still = frame
            return
        if self.still is not None and time > 1e-6:
            self.frames.append((0.0, frame_pixels(self.still)))
        self.still = None
        self.video_end = min(max(self.video_end, time + length), self.part.end - self.part.start)
        if time >= self.part.end - self.part.start:
            return
        if time >= self.next_frame - 1e-6:
            self.frames.append((time, frame_pixels(frame)))
            self.next_frame = max(self.next_frame + self.step, time)

    def finish(self) -> None:
        """End the pictures: if the part has none, the last picture before it is shown throughout."""
        if self.still is not None:
            self.frames.append((0.0, frame_pixels(self.still)))
            self.video_end = self.part.end - self.part.start

    def add_sound(self, samples: Floats) -> None:
        reached = self.heard + len(samples)
        start, end = (round(min(edge * self.rate, reached)) for edge in (self.part.start, self.part.end))
        inside = samples[max(0, start - self.heard) : max(0, end - self.heard)]
        self.heard = reached
        self.sound.append(inside)
        self.sound_end += len(inside)

    def clip(self, start: float, end: float, rate: int) -> Clip:
        """The frames and the sound in [start, end) seconds."""
        inside = [pixels for time, pixels in self.frames if start - 1e-6 <= time < end]
        if not inside:  # a still picture that lasts longer than a segment
            inside = [[pixels for time, pixels in self.frames if time < end][-1]]
        chosen = np.linspace(0, len(inside) - 1, min(FRAMES, len(inside))).round().astype(int)
        return Clip(np.stack([inside[i] for i in chosen]), self._sound(start, end, rate))

    def drop_before(self, start: float, rate: int) -> None:
        """Drop frames that no later segment shows; keep the last earlier frame, which may still be shown."""
        earlier = [entry for entry in self.frames if entry[0] < start - 1e-6]
        self.frames = earlier[-1:] + self.frames[len(earlier) :]
        surplus = round(start * rate) - self.sound_start
        if surplus > 0 and self.sound:
            self.sound = [np.concatenate(self.sound)[surplus:]]
            self.sound_start = min(self.sound_start + surplus, self.sound_end)

    def _sound(self, start: float, end: float, rate: int) -> Waveform | None:
        if not self.sound:
            return None
        samples = np.concatenate(self.sound)
        samples = samples[max(0, round(start * rate) - self.sound_start) : max(0, round(end * rate) - self.sound_start)]
        return Waveform(samples, rate) if len(samples) >= audio.MIN_SECONDS * rate else None


def _clips(
    container: Any,
    picture: Any,
    sound: Any,
    duration: float | None,
    part: Stretch,
    cut: Segmentation,
    notes: list[str],
) -> Iterator[Piece]:
    length = min(cut.seconds, duration or cut.seconds)
    rate = min(sound.rate, audio.KEPT_RATE) if sound is not None else 1
    window = _Window(max(length / FRAMES, cut.seconds / 64), part, rate)
    index = 0
    packets = Packets(container, *([picture] if sound is None else [picture, sound]))
    with container:
        for sound_time in _fill(window, packets, picture, sound):
            reached = window.known(sound_time)
            while reached > index * cut.hop + cut.seconds + cut.slack:
                end = index * cut.hop + cut.seconds
                yield Piece(cut.time(index, end, last=False), window.clip(index * cut.hop, end, rate))
                index += 1
                window.drop_before(index * cut.hop, rate)
    window.finish()
    if not window.frames:
        raise MediaError(Reason.NO_FRAMES, f"{packets.skipped} of {packets.read} packets are damaged")
    end = window.end(rate)
    notes += packets.notes(end, duration)
    while end > index * cut.hop + cut.seconds + cut.slack:  # the sound was shorter than the picture
        stop = index * cut.hop + cut.seconds
        yield Piece(cut.time(index, stop, last=False), window.clip(index * cut.hop, stop, rate))
        index += 1
    yield Piece(cut.time(index, end, last=True), window.clip(index * cut.hop, end + 1e-3, rate))


def _fill(window: _Window, packets: Packets, picture: Any, sound: Any) -> Iterator[float | None]:
    """Decode into `window`; after each step, yield the time up to which the sound is decoded, None without sound."""
    picture.codec_context.thread_count = 1  # other processors decode other files; a second thread costs 10 %
    picture.codec_context.skip_frame = "NONREF"
    track = _Sound(sound) if sound is not None else None
    origin: float | None = None
    last = 0.0
    for stream, frame in packets:
        if stream.type == "audio":
            if track is not None:
                track.add(frame, window, origin or 0.0)
                yield window.sound_end / track.rate
            continue
        time = frame.time
        if origin is None:
            origin = time or 0.0
        time = last if time is None else max(0.0, time - origin)
        last = max(last, time)
        window.add_frame(time, _length(picture), frame)
        yield None if track is None else window.sound_end / track.rate
        if window.over and (track is None or window.heard >= window.part.end * track.rate):
            return
    if track is not None:
        track.finish(window)
        yield window.video_end


class _Sound:
    """Converts the sound track for the window: planar, mono, at most 48 kHz, aligned with the picture."""

    def __init__(self, stream: Any) -> None:
        import soxr
        from av import AudioResampler

        self.rate = min(stream.rate, audio.KEPT_RATE)
        self._planar = AudioResampler(format="fltp", rate=stream.rate)
        self._resample = soxr.ResampleStream(stream.rate, self.rate, 1, dtype="float32")
        self._passes = stream.rate == self.rate
        self._late: float | None = None
        self._waiting: list[Floats] = []  # less than a block

    def add(self, frame: Any, window: _Window, origin: float) -> None:
        """Decode one frame; the first one sets the offset between sound and picture."""
        if self._late is None:
            self._late = min(max((frame.time or 0.0) - origin, 0.0), MAX_GAP)
            window.add_sound(np.zeros(round(self._late * self.rate), np.float32))
        for planar in self._planar.resample(frame):
            self._waiting.append(audio.mono(planar))
        if sum(map(len, self._waiting)) >= _BLOCK:
            self._put(window, last=False)

    def finish(self, window: _Window) -> None:
        """Flush the resamplers."""
        if self._late is None:
            return
        self._waiting += map(audio.mono, self._planar.resample(None))
        self._put(window, last=True)

    def _put(self, window: _Window, last: bool) -> None:
        samples = np.concatenate([np.zeros(0, np.float32), *self._waiting])
        self._waiting = []
        if not np.isfinite(samples).all():
            raise MediaError(Reason.NON_FINITE, "a sample is not a finite number")
        if not self._passes:
            samples = self._resample.resample_chunk(samples, last=last)
        window.add_sound(np.clip(samples, -1, 1))


def _length(picture: Any) -> float:
    rate = float(picture.average_rate or 0)
    return 1 / rate if 0.5 <= rate <= 1000 else 0.04


def frame_pixels(frame: Any, side: int = LONGER_SIDE) -> Pixels:
    """The picture of a frame, upright, uint8 (height, width, 3), its longer side at most `side`."""
    scale = min(1.0, side / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
    pixels: Pixels = frame.to_ndarray(width=width, height=height, format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns))
