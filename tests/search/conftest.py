"""A real index of small files that are told apart by colour and pitch, by the space whose vectors are known by hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from omnisearch.config import Settings, load_settings
from omnisearch.search.engine import Engine
from omnisearch_indexer.session import index_files

RATE = 8000
RED, GREEN, BLUE = (220, 30, 30), (30, 160, 30), (30, 60, 220)


def tone(frequency: float, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


@pytest.fixture(scope="package")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("operators")
    for name, color in {"red": RED, "green": GREEN, "blue": BLUE}.items():
        Image.new("RGB", (32, 24), color).save(place / f"{name}.png")
    flag = Image.new("RGB", (32, 24), RED)
    flag.paste(BLUE, (0, 0, 16, 24))
    flag.save(place / "flag.png")
    for name, first, then in (("rising", 120, 3100), ("falling", 3100, 120)):
        soundfile.write(place / f"{name}.wav", np.concatenate([tone(first, 20), tone(then, 20)]), RATE)
    soundfile.write(place / "IMG_2041.wav", tone(120, 1), RATE)
    (place / "poem.txt").write_text("The tide took it all.\n" + "Nothing else happened. " * 20 + "Whalebone.")
    (place / "red.txt").write_text("red")
    return place


@pytest.fixture(scope="package")
def indexed(collection: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(hashed_model), workers=1)
    report = index_files([collection], made)
    assert (report.failed, report.interrupted) == (0, False)
    return made


@pytest.fixture(scope="package")
def asked(indexed: Settings) -> Iterator[Engine]:
    with Engine.open(indexed) as engine:
        yield engine
