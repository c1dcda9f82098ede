"""Duplicates of real variants by `mini`: resized, encoded or exported again, among files of other things."""

from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import trimesh
from PIL import Image

from omnisearch.config import load_settings
from omnisearch.samples.drawings import make_drawing
from omnisearch.samples.sounds import make_sound
from omnisearch.types import Pixels, Waveform
from omnisearch_indexer.duplicates import find_duplicates
from omnisearch_indexer.session import index_files

THINGS = ("dog", "car", "cat")


def write_pictures(folder: Path, thing: str) -> None:
    picture = Image.fromarray(make_drawing(thing))
    picture.save(folder / f"{thing}.png")
    picture.save(folder / f"{thing}-again.jpg", quality=95)
    picture.resize((320, 320), Image.Resampling.LANCZOS).save(folder / f"{thing}-small.png")


def write_sounds(folder: Path, thing: str) -> None:
    sound = make_sound(thing)
    for name in (f"{thing}.wav", f"{thing}-again.flac", f"{thing}-again.ogg"):
        soundfile.write(folder / name, sound.samples, sound.rate)


def write_film(path: Path, picture: Pixels, sound: Waveform, fps: int) -> None:
    with av.open(str(path), "w") as film:
        frames = film.add_stream("libx264", rate=fps, options={"crf": "18"})
        frames.width, frames.height, frames.pix_fmt = 320, 320, "yuv420p"
        track = film.add_stream("aac", rate=sound.rate)
        track.layout = "mono"
        for n in range(4 * fps):
            at = 16 * n // fps
            film.mux(
                frames.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[at : at + 320, at : at + 320])))
            )
        film.mux(frames.encode(None))
        heard = av.AudioFrame.from_ndarray(sound.samples[None], format="fltp", layout="mono")
        heard.sample_rate = sound.rate
        film.mux(track.encode(heard))
        film.mux(track.encode(None))


def write_meshes(folder: Path, seed: int) -> None:
    draw = np.random.default_rng(seed)
    mesh = trimesh.creation.icosphere(subdivisions=4)
    mesh.vertices *= (1 + 0.3 * np.sin(mesh.vertices @ draw.normal(size=(3, 3)) * 3).sum(1) / 3)[:, None]
    mesh.vertices *= draw.uniform(0.3, 1, 3)
    for name in ("object.obj", "object-again.glb", "object-again.ply"):
        mesh.export(folder / name.replace("object", f"object{seed}"))


@pytest.mark.slow
@pytest.mark.weights
def test_variants_are_grouped_with_their_original_and_with_nothing_else(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for seed, thing in enumerate(THINGS):
        write_pictures(files, thing)
        write_sounds(files, thing)
        write_meshes(files, seed)
        for fps in (25, 12):
            write_film(files / f"{thing}-film{fps}.mp4", make_drawing(thing), make_sound(thing), fps)
    settings = load_settings(data_dir=tmp_path / "data")
    assert index_files([files], settings).failed == 0
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for group in find_duplicates(settings).groups:
        found[group.modality].add(frozenset(Path(file.path).name for file in group.files))
    objects = [f"object{seed}" for seed in range(len(THINGS))]
    assert found == {
        "image": {frozenset({f"{t}.png", f"{t}-again.jpg", f"{t}-small.png"}) for t in THINGS},
        "audio": {frozenset({f"{t}.wav", f"{t}-again.flac", f"{t}-again.ogg"}) for t in THINGS},
        "video": {frozenset({f"{t}-film25.mp4", f"{t}-film12.mp4"}) for t in THINGS},
        "point_cloud": {frozenset({f"{o}.obj", f"{o}-again.glb", f"{o}-again.ply"}) for o in objects},
    }
