"""A film shows its picture at a second, of which it has a bounded number."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import FRAMES, AnyRendition, Frame, PagePicture, Rendition, parse_rendition
from omnisearch.renditions.kept import OURS
from omnisearch.types import Modality
from tests.media import makers


def red(pool: DecoderPool, path: Path, second: int) -> float:
    with path.open("rb") as file:
        made = pool.render(path, file.fileno(), Frame(second))
    assert made is not None
    return float(np.asarray(Image.open(BytesIO(made)))[..., 0].mean())


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_picture_is_that_of_the_second(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_video(path, 8)  # red is 20 times the second
    assert [red(pool, path, second) for second in (0, 3, 6)] == pytest.approx([0, 60, 120], abs=12)
    assert red(pool, path, 99) == pytest.approx(155, abs=12)  # the last one


def test_other_files_have_no_frames(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 1)
    with (tmp_path / "a.wav").open("rb") as file:
        assert pool.render(tmp_path / "a.wav", file.fileno(), Frame(0)) is None
    assert {m for m in Modality if Frame(0).suits(m, "")} == {Modality.VIDEO}


@pytest.mark.parametrize("duration", [None, 0.4, 9.5, 10.0, 999.5, 1000.0, 7200.0, 1e9])
def test_a_film_has_a_bounded_number_of_frames_within_its_duration(duration: float | None) -> None:
    times = np.concatenate([np.linspace(0, 12_000, 20_001), [1e9]])
    frames = {Frame.at(float(time), duration).second for time in times}
    assert len(frames) <= FRAMES
    assert all(0 <= second < (duration or FRAMES) for second in frames)
    if duration is not None and duration < 1000:
        assert frames == set(range(int(np.ceil(duration))))


@pytest.mark.parametrize("rendition", [*Rendition, Frame(0), Frame(86_400), PagePicture(7)])
def test_names_of_renditions_are_read_back_and_counted(rendition: AnyRendition) -> None:
    assert parse_rendition(str(rendition)) == rendition
    for name in (f"{'0a' * 16}.{rendition}", f".{'0a' * 16}.{rendition}.123.456"):
        assert OURS.fullmatch(name)
