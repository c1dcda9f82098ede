"""Speak sentences with eSpeak NG, which is called through ctypes."""

import ctypes
import functools

import numpy as np

from omnisearch.types import Floats

AMERICAN, BRITISH = "English (America)", "English (Great Britain)"
_SYNCHRONOUS, _UTF8 = 2, 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    return library, rate


def say(text: str, voice: str = AMERICAN, words_per_minute: int = 150) -> Floats:
    """Return the sound of a text, float32 (n,) at 16 kHz."""
    import soxr

    library, rate = _library()
    spoken: list[np.ndarray] = []

    def take(samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: int) -> int:
        if samples and count:
            spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    assert library.espeak_SetVoiceByName(voice.encode()) == 0, f"no voice is called {voice}"
    library.espeak_SetParameter(1, words_per_minute, 0)
    data = text.encode() + b"\0"
    library.espeak_Synth(data, len(data), 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    sound = np.concatenate(spoken).astype(np.float32) / 32768
    return soxr.resample(sound, rate, 16_000)
