"""Peaks are the extremes of the samples, however the sound is cut into blocks."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from omnisearch.media import peaks as making
from omnisearch.media.file import Source
from omnisearch.media.peaks import peaks
from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import Rendition
from tests.media import makers


def found(samples: np.ndarray, rate: int = 8000) -> dict[str, list[int]]:
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format="WAV", subtype="FLOAT")
    made = peaks(Source(io.BytesIO(data.getvalue()), len(data.getvalue()), "a.wav"))
    assert made is not None
    assert Rendition.PEAKS.is_whole(made, len(made))
    return json.loads(made)  # type: ignore[no-any-return]


@pytest.mark.parametrize("count", [800, 1000, 4001, 70_000, 200_003])
@pytest.mark.parametrize("held", [1500, 65_536])
def test_each_bucket_holds_the_extremes_of_its_stretch(monkeypatch: pytest.MonkeyPatch, count: int, held: int) -> None:
    monkeypatch.setattr(making, "_HELD", held)
    rng = np.random.default_rng(count)
    samples = (np.abs(np.sin(np.linspace(0, 9, count))) * rng.uniform(-1, 1, count)).astype(np.float32)
    made = found(samples)
    assert made["duration"] == count / 8000
    assert len(made["min"]) == len(made["max"]) <= 1000
    assert len(made["min"]) >= min(count, 375)
    assert max(made["max"]) == np.round(samples.max() * 127)
    assert min(made["min"]) == np.round(samples.min() * 127)
    if count <= held:
        edges = np.linspace(0, count, len(made["max"]) + 1).astype(int)[:-1]
        assert made["max"] == np.round(np.maximum.reduceat(samples, edges) * 127).tolist()
        assert made["min"] == np.round(np.minimum.reduceat(samples, edges) * 127).tolist()
    else:
        edges = np.linspace(0, count, len(made["max"]) + 1).astype(int)[:-1]
        near = np.maximum.reduceat(samples, edges)
        assert np.corrcoef(made["max"], near)[0, 1] > 0.8


def test_a_film_has_the_peaks_of_its_sound_and_a_silent_one_none(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "sound.mp4", 2, sound=2)
    makers.write_video(tmp_path / "silent.mp4", 1)
    makers.picture().save(tmp_path / "a.png")
    made = {}
    for name in ("sound.mp4", "silent.mp4", "a.png"):
        with (tmp_path / name).open("rb") as file:
            made[name] = pool.render(tmp_path / name, file.fileno(), Rendition.PEAKS)
    assert json.loads(made["sound.mp4"] or b"")["duration"] == pytest.approx(2, abs=0.1)
    assert made["silent.mp4"] is made["a.png"] is None


@pytest.mark.parametrize("text", [b"", b"{}", b'{"duration":1,"min":[-128],"max":[0]}', b'{"duration":1,"min":[0]'])
def test_other_json_is_refused(text: bytes) -> None:
    assert not Rendition.PEAKS.is_whole(text, len(text))
