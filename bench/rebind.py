"""Another model for an index: `rebind` against indexing again, as one ratio: python bench/rebind.py

A folder of notes, pictures and sounds is generated and indexed by one model, then given to another model twice in
this one process: by a new index, and by `rebind`. On a busy machine only the ratio of the two is meaningful. Without
--model, a model with random projectors over the weightless space is used, whose towers cost next to nothing: indexing
is then mostly reading and decoding, and the ratio a lower bound of that with real towers.
"""

import argparse
import json
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.process_tree import adopt_orphans, cpu_seconds
from bench.results import Report, add_json_option
from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings, load_settings
from omnisearch.spaces.registry import SPACES
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.session import index_files

PARTS = ("text", "image", "audio")
WORDS = ("red", "green", "blue", "low", "high", "noise", "dog", "bark", "over", "wet", "grass", "old")


def write_media(folder: Path, count: int) -> None:
    """Write `count` files, a third of each kind: notes, pictures of 640 x 480, sounds of five seconds."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for n in range(count):
        if n % 3 == 0:
            (folder / f"{n:05}.txt").write_text(f"note {n}: " + " ".join(random.choice(WORDS, 80)))
        elif n % 3 == 1:
            coarse = random.integers(0, 256, (12, 16, 3), np.uint8)
            Image.fromarray(coarse).resize((640, 480)).save(folder / f"{n:05}.jpg")
        else:
            with wave.open(str(folder / f"{n:05}.wav"), "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(22_050)
                sound.writeframes(random.integers(-9000, 9000, 5 * 22_050, np.int16).tobytes())


def write_model(folder: Path, seed: int) -> Path:
    """Write a model with random projectors and routers over the weightless space."""
    config = {
        "name": f"random{seed}",
        "licence": "none",
        "dim": 512,
        "projectors": {"hashed": {"kind": "mlp", "heads": 3, "hidden": 1024}},
        "branches": {part: [{"parts": {"hashed": 1.0}}, {"parts": {"hashed": 0.5}}] for part in PARTS},
        "routers": {part: {"kind": "learned", "inputs": ["hashed"]} for part in PARTS},
    }
    torch.manual_seed(seed)
    checkpoint.write(folder, Fusion(ModelConfig.model_validate(config), {"hashed": SPACES["hashed"].dim}).eval())
    return folder


def costs(step: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a step takes by the clock, and the processor seconds of all processes."""
    begun = time.perf_counter(), cpu_seconds()
    step()
    return time.perf_counter() - begun[0], cpu_seconds() - begun[1]


def measure(place: Path, files: int, models: tuple[str, str]) -> dict[str, Any]:
    """Index by the first model; then give the index to the second by indexing again and by `rebind`."""
    write_media(place / "files", files)
    old = load_settings(data_dir=place / "old", model=models[0])

    def index(settings: Settings) -> None:
        report = index_files([place / "files"], settings)
        assert report.indexed == files, report

    index(old)  # not timed: towers load
    fresh = load_settings(data_dir=place / "fresh", model=models[1])
    again, again_cpu = costs(lambda: index(fresh))
    rebound: list[int] = []
    rebind, rebind_cpu = costs(lambda: rebound.append(rebind_index(old.model_copy(update={"model": models[1]})).points))
    return {
        "files": files,
        "points": rebound[0],
        "model": models[1],
        "reindex_seconds": round(again, 3),
        "rebind_seconds": round(rebind, 3),
        "ratio": round(again / rebind, 2),
        "cpu_ratio": round(again_cpu / rebind_cpu, 2),
    }


def main() -> None:
    """Print one JSON object for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--model", nargs=2, metavar=("OLD", "NEW"), help="two models over the same spaces")
    parser.add_argument("--rounds", type=int, default=1)
    add_json_option(parser)
    given, report, ratios, of_cpu = parser.parse_args(), Report(__file__), list[float](), list[float]()
    adopt_orphans()
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            place = Path(name)
            made = [str(write_model(place / f"model{seed}", seed)) for seed in (1, 2)]
            found = measure(place, given.files, tuple(given.model or made))
        print(json.dumps(found, indent=2), flush=True)
        ratios.append(1 / found["ratio"])
        of_cpu.append(1 / found["cpu_ratio"])
    report.add("rebind, time", "ratio", ratios, given.files, peer="indexing again")
    report.add("rebind, processor time", "ratio", of_cpu, given.files, peer="indexing again")
    report.write(given.json)


if __name__ == "__main__":
    main()
