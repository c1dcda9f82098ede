"""A bound model as mteb sees it, without mteb: rows of every kind, and what they become."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import UsageError
from omnisearch.types import Clip, Floats, Modality, Role, Waveform
from omnisearch_training.evaluate.mteb_model import MtebModel
from tests.media.makers import tone, write_scenes, write_video

TEXT, IMAGE, AUDIO, VIDEO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO
RATE = 16_000
RED = np.full((8, 8, 3), (220, 30, 30), np.uint8)


def loader(*rows: dict[str, Any]) -> Any:
    """A DataLoader that leaves every column a list, as mteb's does for media."""
    return torch.utils.data.DataLoader(
        list(rows), batch_size=2, collate_fn=lambda batch: {key: [row[key] for row in batch] for key in batch[0]}
    )


@pytest.fixture
def model(hashed_model: Path) -> OmniBind:
    return OmniBind.load(str(hashed_model), load_settings())


def encode(model: OmniBind, *rows: dict[str, Any], **how: Any) -> Floats:
    with MtebModel(model, load_settings()) as encoder:
        return encoder.encode(loader(*rows), **how)


def test_texts_keep_their_order_over_batches(model: OmniBind) -> None:
    said = ["red", "blue", "a green box"]
    rows = encode(model, *({"text": text} for text in said))
    np.testing.assert_allclose(rows, model.encode(TEXT, said, Role.QUERY), atol=1e-6)
    assert encode(model).shape == (0, model.dim)


def test_the_side_that_is_searched_is_embedded_as_documents(model: OmniBind, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = []
    real = model.encode

    def spy(modality: Modality, contents: list[str], role: Role) -> Floats:
        roles.append(role)
        return real(modality, contents, role)

    monkeypatch.setattr(model, "encode", spy)
    for prompt in (None, "query", "document"):
        encode(model, {"text": "red"}, prompt_type=prompt)
    assert roles == [Role.QUERY, Role.QUERY, Role.DOCUMENT]


def test_a_text_and_a_picture_are_added(model: OmniBind) -> None:
    rows = encode(model, {"text": "dog", "image": Image.fromarray(RED).convert("RGBA")})
    both = model.encode(TEXT, ["dog"], Role.QUERY) + model.encode(IMAGE, [RED], Role.QUERY)
    np.testing.assert_allclose(rows, both / np.linalg.norm(both), atol=1e-6)


def test_a_sound_is_samples_or_a_file(model: OmniBind, tmp_path: Path) -> None:
    heard = Waveform(tone(90, RATE), RATE)  # several pieces, which are joined
    file = BytesIO()
    soundfile.write(file, heard.samples, RATE, "FLOAT", format="WAV")
    path = tmp_path / "tone.wav"
    path.write_bytes(file.getvalue())
    rows = encode(
        model,
        {"audio": {"array": heard.samples, "sampling_rate": RATE}},
        {"audio": {"array": np.stack([heard.samples, heard.samples]), "sampling_rate": RATE}},
        {"audio": {"bytes": file.getvalue(), "path": "elsewhere.wav"}},
        {"audio": {"bytes": None, "path": str(path)}},
    )
    expected = model.encode(AUDIO, [heard], Role.QUERY)
    np.testing.assert_allclose(rows, np.repeat(expected, 4, axis=0), atol=1e-5)
    with MtebModel(model, load_settings()) as encoder:
        np.testing.assert_allclose(encoder._sound({"path": str(path)}).samples, heard.samples, atol=1e-6)


def test_a_video_has_only_the_sound_of_its_row(model: OmniBind, tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 2.0, 2.0)
    film = {"bytes": (tmp_path / "film.mp4").read_bytes(), "path": None}
    heard = Waveform(tone(2, RATE), RATE)
    sound = {"array": heard.samples, "sampling_rate": RATE}
    silent, loud = encode(model, {"video": film}), encode(model, {"video": film, "audio": sound})
    with MtebModel(model, load_settings()) as encoder:
        frames = encoder._frames(film)
    np.testing.assert_allclose(silent, model.encode(VIDEO, [Clip(frames)], Role.QUERY), atol=1e-6)
    np.testing.assert_allclose(loud, model.encode(VIDEO, [Clip(frames, heard)], Role.QUERY), atol=1e-6)
    assert not np.allclose(silent, loud, atol=1e-3)


@pytest.mark.parametrize("seconds", [9, pytest.param(100, marks=pytest.mark.slow)])
def test_a_video_of_any_length_is_eight_frames_of_the_whole(seconds: int, model: OmniBind, tmp_path: Path) -> None:
    # The colour tells the time: from red to yellow in ten scenes.
    scenes = [((220, 24 * i, 0), 440.0) for i in range(10)]
    write_scenes(tmp_path / "film.mp4", scenes, seconds / 10)
    with MtebModel(model, load_settings()) as encoder:
        frames = encoder._frames({"path": str(tmp_path / "film.mp4")})
    times = frames[:, :, :, 1].mean(axis=(1, 2)) / 24
    assert len(times) == 8
    assert np.abs(np.diff(times)).max() < 2.6
    assert times[0] < 1
    assert times[-1] > 7.5


def test_what_cannot_be_embedded_is_named(model: OmniBind) -> None:
    with pytest.raises(UsageError, match=r"toy embeds text, image, audio, video.*columns of this task: label"):
        encode(model, {"label": 1})
    with pytest.raises(UsageError, match="a task gives its media as object"):
        encode(model, {"video": object()})


def test_similarity_is_the_cosine(model: OmniBind) -> None:
    encoder = MtebModel(model, load_settings())
    left, right = np.eye(3, dtype=np.float32)[:2], torch.eye(3)
    assert encoder.similarity(left, right).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert encoder.similarity_pairwise(left, right[[0, 2]]).tolist() == [1, 0]
