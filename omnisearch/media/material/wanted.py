"""Requests for the material of a file."""

from dataclasses import dataclass
from typing import Literal

RATE = 16_000  # Hz, of sound that is transcribed
BLOCK_SECONDS = 30.0  # the longest block of it


@dataclass(frozen=True)
class Wanted:
    """The material to decode.

    - `pictures`: an image, the pages of a PDF that have no text, or frames of a video, with the longer side at most
      `side`. Frames are at least `gap` seconds apart and differ visibly; with `keyframes` only they are decoded, which
      costs little. A piece has the seconds for which its frame is seen, or the number of its page as its index.
    - `sound`: mono sound at 16 kHz in blocks of 30 seconds.
    - `subtitles`: texts with their seconds, from the files `beside` a sound or video, or from streams of the video.
      The language is the snippet of a piece.
    """

    kind: Literal["pictures", "sound", "subtitles"]
    side: int = 1280
    gap: float = 2.0
    keyframes: bool = False
    beside: tuple[str, ...] = ()
