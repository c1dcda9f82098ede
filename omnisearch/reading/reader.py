"""The interface through which items are read; `ReadingProcess` implements it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol, TypeAlias

from omnisearch.types import Floats, Pixels, Reading

Level: TypeAlias = Literal["fast", "full"]
SPEECH = "speech"  # the name of the speech model in the arguments of the reading process


def never() -> bool:
    """Return that nothing was stopped."""
    return False


class Reader(Protocol):
    """Reads pictures and sound. Both methods append to `notes` which part they did not read, and why."""

    def read_image(
        self, pixels: Pixels, level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> list[Reading]:
        """Read the text in a picture, uint8 (height, width, 3): one reading of field `ocr` per line, with its box."""
        ...

    def transcribe(
        self, blocks: Iterable[Floats], level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> Iterator[Reading]:
        """Transcribe mono sound at 16 kHz, which arrives in blocks of at most 30 seconds, as it is read.

        The blocks are float32 (n,) and follow each other without gaps. Each reading of field `speech` has its seconds.
        """
        ...

    def close(self) -> None:
        """Stop the process."""
        ...
