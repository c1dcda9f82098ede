"""`omnisearch models check`: samples that belong together are told from those that do not."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from omnisearch.binding.model import OmniBind
from omnisearch.binding.sanity_check import compare_samples
from omnisearch.cli.models import app
from omnisearch.config import load_settings
from omnisearch.errors import MediaError, UsageError, WeightsError
from omnisearch.media.pool import DecoderPool
from omnisearch.spaces.families.hashed import COLORS, direction
from omnisearch.types import Modality

RATE = 16_000


def picture(path: Path, color: str) -> None:
    Image.new("RGB", (60, 40), COLORS[color]).save(path)


def points(path: Path, color: str) -> None:
    places = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    np.save(path, np.hstack([places, np.tile(np.array(COLORS[color]) / 255, (500, 1))]).astype(np.float32))


def tone(path: Path, hertz: float) -> None:
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE), RATE)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(load_settings()) as made:
        yield made


@pytest.fixture(autouse=True)
def _one_pool(monkeypatch: pytest.MonkeyPatch, pool: DecoderPool) -> None:
    monkeypatch.setattr("omnisearch.media.pool.DecoderPool", lambda settings: nullcontext(pool))


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    for color in ("red", "blue"):
        picture(folder / f"{color}.png", color)
    tone(folder / "low.wav", 110)
    tone(folder / "high.wav", 5000)
    (folder / ".hidden").write_text("not a sample")
    return folder


def run(model: Path, samples: Path) -> tuple[list[dict[str, object]], BaseException | None]:
    done = CliRunner().invoke(app, ["check", str(model), "--samples", str(samples), "--format", "jsonl"])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done.exception


@pytest.mark.parametrize(
    "colored",
    [
        {"text", "image"},
        pytest.param({"text", "image", "point_cloud"}, marks=pytest.mark.slow),  # points are drawn from all sides
    ],
    ids=len,
)
def test_every_thing_is_nearest_to_itself_in_every_pair_of_modalities(
    hashed_model: Path, samples: Path, colored: set[str]
) -> None:
    for color in ("red", "blue") if "point_cloud" in colored else ():
        points(samples / f"{color}.npy", color)
    rows, failed = run(hashed_model, samples)
    assert failed is None
    asked = {(row["from"], row["to"], row["thing"]) for row in rows}
    expected = {(a, b, thing) for a in colored for b in colored - {a} for thing in ("red", "blue")}
    expected |= {(*pair, thing) for pair in (("text", "audio"), ("audio", "text")) for thing in ("low", "high")}
    assert asked == expected
    assert all(row["nearest"] == row["thing"] for row in rows)
    for row in rows:
        cosines = {name: value for name, value in row.items() if name.startswith("to ")}
        assert max(cosines, key=lambda name: cosines[name]) == f"to {row['thing']}"  # type: ignore[arg-type, return-value]
        assert len(cosines) == (4 if row["to"] == "text" else 2)


def test_samples_that_were_swapped_are_an_error_that_counts_them(hashed_model: Path, samples: Path) -> None:
    (samples / "red.png").rename(samples / "kept")
    (samples / "blue.png").rename(samples / "red.png")
    (samples / "kept").rename(samples / "blue.png")
    rows, failed = run(hashed_model, samples)
    assert {row["nearest"] for row in rows if "image" in (row["from"], row["to"]) and row["thing"] == "red"} == {"blue"}
    assert isinstance(failed, WeightsError)
    assert "4 of 8 samples are nearer to another thing" in str(failed)


def test_a_text_file_is_asked_by_instead_of_the_name(hashed_model: Path, samples: Path) -> None:
    for name, words in (("a", "red"), ("b", "blue")):
        (samples / f"{words}.png").rename(samples / f"{name}.png")
        (samples / f"{name}.txt").write_text(words)
    rows, failed = run(hashed_model, samples)
    assert failed is None
    assert {row["thing"] for row in rows} == {"a", "b", "low", "high"}


def test_cosines_are_those_of_the_model(hashed_model: Path) -> None:
    model = OmniBind.load(str(hashed_model), load_settings())
    texts, others = {"x": "red", "y": "blue low"}, {"y": np.full((9, 9, 3), COLORS["blue"], np.uint8)}
    found = list(compare_samples(model, {Modality.TEXT: texts, Modality.IMAGE: others}))
    assert [(row.source, row.target, row.thing) for row in found] == [
        (Modality.TEXT, Modality.IMAGE, "y"),
        (Modality.IMAGE, Modality.TEXT, "y"),
    ]
    blue, low = direction("blue"), direction("low")
    assert found[0].cosines["y"] == pytest.approx(float(blue @ (blue + low) / np.linalg.norm(blue + low)), abs=1e-5)
    assert found[1].cosines["y"] == pytest.approx(found[0].cosines["y"])
    assert list(found[1].cosines) == ["x", "y"]


def test_what_cannot_be_compared_is_refused_by_name(hashed_model: Path, samples: Path, tmp_path: Path) -> None:
    picture(samples / "red.jpeg", "red")
    _, failed = run(hashed_model, samples)
    assert isinstance(failed, UsageError)
    assert "red.png is the second image of 'red'" in str(failed)
    alone = tmp_path / "alone"
    alone.mkdir()
    picture(alone / "red.png", "red")
    _, failed = run(hashed_model, alone)
    assert isinstance(failed, UsageError)
    assert "1 things in 2 modalities" in str(failed)


def test_points_that_are_pickled_are_refused_with_the_name_of_their_file(hashed_model: Path, samples: Path) -> None:
    np.save(samples / "red.npy", {"xyz": np.zeros((20, 3))}, allow_pickle=True)  # type: ignore[arg-type]
    _, failed = run(hashed_model, samples)
    assert isinstance(failed, MediaError)
    assert "red.npy" in str(failed)
