from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from demo import gather
from demo.film import write_film


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_film_shows_its_picture_and_plays_its_sound(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "red.png")
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(np.arange(8000) * 0.3), 16_000)
    target = tmp_path / f"film{suffix}"
    write_film([tmp_path / "red.png"], tmp_path / "tone.wav", target)
    with av.open(str(target)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with av.open(str(target)) as film:
        heard = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], axis=1)
    red, green, _ = frames[-1][120, 160]
    assert red > 150
    assert green < 60
    assert 2.3 * 48_000 < heard.shape[1] < 2.8 * 48_000
    assert np.abs(heard[:, -24_000:-4_800]).max() > 0.2  # the half second of sound is repeated to the end


def test_places_are_never_given_twice(tmp_path: Path) -> None:
    corpus = gather.Corpus(tmp_path)
    first, second = (corpus.place("sounds", "Dog, barking!", ".ogg", "p", "l") for _ in range(2))
    assert (first.name, second.name) == ("dog barking.ogg", "dog barking 2.ogg")


def test_a_complete_corpus_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "demo"
    root.mkdir()
    (root / "a.txt").write_text("a")
    (tmp_path / "demo-sources.tsv").write_text("file\tpackage\tlicence\na.txt\tp\tl\n")
    monkeypatch.setattr(gather, "_add_records", lambda corpus, cache: pytest.fail("built again"))
    assert gather.build(root, tmp_path) == 1
    (root / "a.txt").unlink()
    with pytest.raises(pytest.fail.Exception, match="built again"):
        gather.build(root, tmp_path)
