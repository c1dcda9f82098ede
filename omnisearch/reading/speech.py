"""Transcribe speech with Whisper (faster-whisper, CTranslate2): windows of a stream, without its silence and music."""

import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from omnisearch.media.material.wanted import RATE
from omnisearch.reading.reader import Level
from omnisearch.reading.voiced import Voiced
from omnisearch.types import Floats, Reading

WINDOW_SECONDS = 60.0  # of sound that is looked at together; little more is held
_OPEN_SECONDS = 0.5  # speech that ends later than this before the end of a window may go on
# Whisper hears 30 seconds at a time; longer stretches of speech are cut at their longest pauses. A voice begins where
# the detector is sure: at its own threshold of 0.5, an owl is a voice, and Whisper makes "Thank you." of it.
_VOICE = {
    "threshold": 0.8,
    "neg_threshold": 0.35,
    "min_speech_duration_ms": 250,
    "max_speech_duration_s": 29.0,
    "min_silence_duration_ms": 600,
    "speech_pad_ms": 300,
}
# Signs of text that nobody said: Whisper's own thresholds (Radford et al. 2022, section 4.5).
MAX_COMPRESSION, MIN_LOGPROB, MAX_NO_SPEECH = 2.4, -1.0, 0.6
_REPEATS = 2  # how often the same text may follow itself
_SURE = 0.8  # from this probability on, a language holds for the rest of the sound


@dataclass(frozen=True)
class Effort:
    """How thoroughly speech is decoded: the beams of the search, and the temperatures that follow a bad result."""

    beams: int
    temperatures: tuple[float, ...]


EFFORTS: dict[Level, Effort] = {"fast": Effort(1, (0.0,)), "full": Effort(5, (0.0, 0.2, 0.4))}


class Speech:
    """Transcribes with the model in `folder`, which is loaded with the first speech."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder, self._threads = folder, threads
        self._loaded: Any = None

    def begin(self, level: Level) -> "Transcript":
        """Begin a sound."""
        return Transcript(self, EFFORTS[level])

    @property
    def model(self) -> Any:
        """The Whisper model."""
        if self._loaded is None:
            from faster_whisper import WhisperModel

            self._loaded = WhisperModel(
                str(self._folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=self._threads,
                local_files_only=True,
            )
        return self._loaded


class Transcript:
    """The transcription of one sound, which is added block by block. `notes` say what was left out."""

    def __init__(self, speech: Speech, effort: Effort) -> None:
        self.notes: list[str] = []
        self._speech, self._effort = speech, effort
        self._held: list[Floats] = []
        self._count = 0  # of the held samples
        self._start = 0  # the first held sample, counted from the start of the sound
        self._language: str | None = None
        self._last, self._repeats = "", 0

    def add(self, samples: Floats) -> list[Reading]:
        """Add samples, float32 (n,) at 16 kHz. Returns the readings that are complete."""
        self._held.append(samples)
        self._count += len(samples)
        return self._window(last=False) if self._count >= WINDOW_SECONDS * RATE else []

    def end(self) -> list[Reading]:
        """End the sound, and return the remaining readings."""
        return self._window(last=True) if self._count else []

    def _window(self, last: bool) -> list[Reading]:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        sound = np.concatenate(self._held)
        voiced = get_speech_timestamps(sound, VadOptions(**_VOICE))
        start, cut = self._start, len(sound)
        if not last and voiced and voiced[-1]["end"] > len(sound) - _OPEN_SECONDS * RATE and voiced[-1]["start"] > 0:
            cut = voiced.pop()["start"]
        self._held, self._count, self._start = [sound[cut:].copy()], len(sound) - cut, start + cut
        stretches = [(stretch["start"], stretch["end"]) for stretch in voiced]
        return list(self._readings(Voiced(sound, stretches, start / RATE))) if stretches else []

    def _readings(self, voiced: Voiced) -> Iterator[Reading]:
        segments, info = self._speech.model.transcribe(
            voiced.samples,
            language=self._language,
            beam_size=self._effort.beams,
            temperature=self._effort.temperatures,
            compression_ratio_threshold=MAX_COMPRESSION,
            log_prob_threshold=MIN_LOGPROB,
            no_speech_threshold=MAX_NO_SPEECH,
            condition_on_previous_text=False,  # a wrong text would go on
        )
        if info.language_probability >= _SURE:
            self._language = info.language
        for segment in self._said(segments):
            start, end = voiced.times(segment.start, segment.end)
            text, sure = " ".join(segment.text.split()), math.exp(segment.avg_logprob)
            yield Reading("speech", text, start, end, None, min(1.0, sure), info.language)

    def _said(self, segments: Iterable[Any]) -> Iterator[Any]:
        """Yield the segments that somebody seems to have said."""
        for segment in segments:
            text = segment.text.strip().lower()
            self._repeats = self._repeats + 1 if text == self._last else 0
            self._last = text
            loop = self._repeats >= _REPEATS or _compression(text) > MAX_COMPRESSION
            if not loop and segment.avg_logprob >= MIN_LOGPROB and any(character.isalnum() for character in text):
                yield segment


def _compression(text: str) -> float:
    """How many times shorter a text becomes by compression: Whisper repeats itself where it hears nothing."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))
