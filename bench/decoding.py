"""Decoding against the library that does most of it: python bench/decoding.py --json out.json

Synthesizes 3D models, sounds and films. Each file is decoded in this process, preview included, in turns with a named
limit: for a 3D model, Embree alone, which casts four rays for each pixel of its views; for a sound, libsndfile, which
reads its samples; for a film, PyAV, which decodes all its pictures and its sound. Times are processor time of the whole
process. A ratio of two turns survives a busy machine, and a time does not. It is below 1 where we do less: one ray is
enough in even areas, and film pictures to which no other refers are skipped.
"""

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import av
import numpy as np
import soundfile

from bench import synthesized
from omnisearch.media.decode import decode
from omnisearch.media.detect import detect
from omnisearch.media.drawing.camera import cameras
from omnisearch.media.drawing.picture import SIDE, VIEWS
from omnisearch.media.drawing.rays import Scene
from omnisearch.media.file import Source
from omnisearch.media.objects import load
from omnisearch.media.previews.from_pieces import with_preview
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.surface import Samples

CUT = Segmentation(seconds=10.0, overlap=2.0, characters=1000, character_overlap=100)


def read(path: Path) -> Source:
    """A file in memory, so that no disk is measured."""
    data = path.read_bytes()
    return Source(io.BytesIO(data), len(data), path.name)


def decode_whole(path: Path) -> None:
    """Decode a file as the indexer's decoders do."""
    decoded = with_preview(decode(read(path), CUT))
    for _ in decoded.pieces:
        pass
    decoded.preview()


def cast(path: Path) -> None:
    """Load a 3D model, and cast four rays for each pixel of its views."""
    source = read(path)
    shape = load(source, detect(source), [])
    assert not isinstance(shape, Samples)
    corners = np.concatenate([part.corners for part in shape])
    scene, places = Scene(corners), (np.arange(2 * SIDE, dtype=np.float32) + 0.5) / SIDE - 1
    for camera in cameras(corners.reshape(-1, 3), VIEWS):
        right, up, backward = camera.turn
        across = camera.reach * places[:, None] * right
        starts = camera.centre + camera.depth * backward + across + camera.reach * places[:, None, None] * up
        scene.first_hits(starts.reshape(-1, 3).astype(np.float32), -backward)


def read_samples(path: Path) -> None:
    """Read a sound with libsndfile."""
    soundfile.read(path, dtype="float32")


def decode_frames(path: Path) -> None:
    """Decode the pictures and the sound of a film with PyAV."""
    with av.open(str(path)) as film:
        for _ in film.decode():
            pass


LIMITS: dict[str, tuple[Callable[[Path, int], None], int, str, Callable[[Path], None]]] = {
    "3D models": (synthesized.objects, 12, "Embree, 4 rays a pixel", cast),
    "sounds": (synthesized.sounds, 40, "libsndfile", read_samples),
    "films": (synthesized.films, 8, "PyAV, all pictures", decode_frames),
}


def seconds(work: Callable[[Path], None], paths: list[Path]) -> float:
    """Processor time for all paths."""
    start = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - start


def main() -> None:
    """Print a row for each kind of files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for kind, (make, count, limit, work) in LIMITS.items():
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count)
            paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
            seconds(decode_whole, paths[:1]), seconds(work, paths[:1])  # imports
            turns = [(seconds(decode_whole, paths), seconds(work, paths)) for _ in range(arguments.rounds)]
        each = 1000 * median(ours for ours, _ in turns) / len(paths)
        ratio = median(ours / theirs for ours, theirs in turns)
        rows.append({"kind": kind, "files": len(paths), "ms": each, "limit": limit, "ratio": ratio})
        print(f"{kind:10} {len(paths):3} files {each:7.1f} ms each, {ratio:5.2f} times {limit}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
