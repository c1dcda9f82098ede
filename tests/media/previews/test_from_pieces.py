"""Decoding makes the small preview on the way: the same picture as a request for it would."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.media.previews.from_pieces import with_preview
from omnisearch.media.previews.waveform import INK, Envelope
from omnisearch.media.rendition import Rendition
from omnisearch.types import Clip, Decoded, MediaInfo, Modality, Piece, Segment, Waveform
from tests.media import makers


@pytest.fixture(scope="module")
def previewing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderPool]:
    with DecoderPool(load_settings(data_dir=tmp_path_factory.mktemp("data")), workers=1, previews=True) as pool:
        yield pool


def write(path: Path) -> None:
    match path.suffix:
        case ".png":
            makers.picture(900, 300).save(path)
        case ".wav":
            makers.write_sound(path, 25)
        case ".mp4":
            makers.write_video(path, 1)
        case ".glb":
            makers.write_mesh(path)
        case _:
            path.write_text("words")


@pytest.mark.parametrize("suffix", ["png", "wav", "mp4", "glb"])
def test_decoding_makes_the_preview_that_a_request_makes(suffix: str, previewing: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    write(path)
    decoded = previewing.decode(path)
    assert decoded.preview() is None
    pieces = list(decoded.pieces)
    assert len(pieces) > (suffix == "wav")
    made = decoded.preview()
    with path.open("rb") as file:
        asked = previewing.render(path, file.fileno(), Rendition.SMALL)
    assert made is not None
    assert asked is not None
    one, other = (np.asarray(Image.open(BytesIO(each)).convert("RGBA"), np.float32) for each in (made, asked))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 8  # a film's frames are another selection, and a picture was reduced twice


def test_a_text_has_none_and_neither_has_a_query(previewing: DecoderPool, pool: DecoderPool, tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "a.glb")
    for decoded in (previewing.decode(tmp_path / "a.txt"), pool.decode(tmp_path / "a.glb")):
        assert list(decoded.pieces)
        assert decoded.preview() is None


def test_the_first_frame_that_is_not_blank_is_shown() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1, 40, 60, 3), np.uint8)
    clips = [Clip(np.zeros((3, 40, 60, 3), np.uint8)), Clip(noise), Clip(255 - noise)]
    decoded = with_preview(
        Decoded(MediaInfo(Modality.VIDEO, ""), iter([Piece(Segment(n), clip) for n, clip in enumerate(clips)]))
    )
    assert len(list(decoded.pieces)) == 3
    made = decoded.preview()
    assert made is not None
    shown = np.asarray(Image.open(BytesIO(made)), np.float32)
    assert np.corrcoef(shown.ravel(), noise.ravel())[0, 1] > 0.5


def test_overlapping_parts_of_a_sound_are_counted_once() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 8000 * 9).astype(np.float32) * np.linspace(0, 1, 8000 * 9)
    whole, parts = Envelope(), Envelope()
    whole.add(Waveform(samples, 8000), 0.0)
    for start in (0, 3, 6):
        parts.add(Waveform(samples[8000 * start : 8000 * (start + 4)], 8000), float(start))
    drawn, again = whole.draw(320), parts.draw(320)
    assert drawn is not None
    assert again is not None
    assert np.array_equal(drawn, again)
    assert Envelope().draw(320) is None


@pytest.mark.parametrize("ground", [(255, 255, 255), (0, 0, 0), (24, 24, 27)])
def test_a_waveform_is_seen_on_light_and_on_dark(ground: tuple[int, int, int]) -> None:
    """WCAG 2.2, 1.4.11: graphics have a contrast of at least 3:1."""

    def luminance(color: tuple[int, int, int]) -> float:
        linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted([luminance(INK), luminance(ground)])
    assert (light + 0.05) / (dark + 0.05) >= 3
