"""A folder of small media, and the index of it."""

import os
import struct
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.media.versions import fingerprint
from omnisearch.search.space_embeddings import space_id
from omnisearch.stores.base import Point
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.types import Decoded, Modality, Piece
from omnisearch_indexer import session
from tests.conftest import Ended

if TYPE_CHECKING:
    from tests.indexer.sound import Sound

NO_TEXT = bytes(range(1, 32)) * 9 + b"\xff"  # control characters, in any encoding


def write_image(path: Path, seed: int = 0, side: int = 48) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_sound(path: Path, seconds: float = 1.0, seed: int = 0, rate: int = 8000) -> Path:
    samples = np.random.default_rng(seed).integers(-9000, 9000, int(seconds * rate), np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.tobytes())
    return path


def write_mesh(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    triangles = np.random.default_rng(seed).normal(size=(24, 3, 3)).astype("<f4")
    body = b"".join(struct.pack("<3f", 0, 0, 0) + t.tobytes() + b"\0\0" for t in triangles)
    path.write_bytes(bytes(80) + struct.pack("<I", len(triangles)) + body)
    return path


def write_good(folder: Path) -> list[Path]:
    """Two of each kind that is quick to make; the sounds are cut into segments."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for n in range(2):
        note = folder / f"note{n}.txt"
        note.write_text(f"note number {n}: " + "the quick brown fox. " * (30 + 60 * n))
        made += [
            note,
            write_image(folder / "pictures" / f"p{n}.png", seed=n),
            write_sound(folder / f"s{n}.wav", 1 + 24 * n, seed=n),
            write_mesh(folder / f"m{n}.stl", seed=n),
        ]
    return made


def write_hostile(folder: Path) -> dict[str, Path]:
    """The bad files, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    bad = {
        name: folder / name
        for name in ("empty.txt", "truncated.jpg", "silent.wav", "huge.ply", "broken.txt", "pipe", "loop", "self")
    }
    bad["empty.txt"].touch()
    write_image(bad["truncated.jpg"], seed=9, side=200)
    bad["truncated.jpg"].write_bytes(bad["truncated.jpg"].read_bytes()[:2000])
    write_sound(bad["silent.wav"], 0)
    vertices = b"ply\nformat binary_little_endian 1.0\nelement vertex 1000000000\n"
    bad["huge.ply"].write_bytes(
        vertices + b"property float x\nproperty float y\nproperty float z\nend_header\n" + bytes(120)
    )
    bad["broken.txt"].write_bytes(NO_TEXT)
    os.mkfifo(bad["pipe"])
    bad["loop"].symlink_to("..")
    bad["self"].symlink_to("self")
    return bad


_DECODE = DecoderPool.decode


class MeshMemory(DecoderPool):
    """Reads a mesh once for all tests: sampling and drawing it takes half a second, and they all write the same two.

    It remembers nothing for a test that has put something in the place of `DecoderPool.decode`.
    """

    meshes: ClassVar[dict[tuple[str, bytes], tuple[Decoded, list[Piece]]]] = {}

    def decode(self, path: Path, *arguments: Any, **options: Any) -> Decoded:
        if path.suffix != ".stl" or DecoderPool.decode is not _DECODE:
            return super().decode(path, *arguments, **options)
        key = str(self._cut), path.read_bytes()
        if key not in self.meshes:
            decoded = super().decode(path, *arguments, **options)
            self.meshes[key] = decoded, list(decoded.pieces)
        decoded, pieces = self.meshes[key]
        return Decoded(decoded.info, iter(pieces), list(decoded.notes), decoded.preview)


class SharedPools:
    """Decoders by what decides their output; a run that closes its own leaves it to the next."""

    def __init__(self) -> None:
        self.pools: dict[tuple[str, int], DecoderPool] = {}

    @contextmanager
    def open(
        self, settings: Settings, workers: int, previews: bool = False, shorter_side: int | None = None
    ) -> Iterator[DecoderPool]:
        key = fingerprint(settings), workers
        if key not in self.pools:
            self.pools[key] = MeshMemory(settings, workers, previews=True)
        yield self.pools[key]


@pytest.fixture(scope="package")
def shared_pools() -> Iterator[SharedPools]:
    shared = SharedPools()
    yield shared
    for pool in shared.pools.values():
        pool.close()


@pytest.fixture(scope="package")
def sound(tmp_path_factory: pytest.TempPathFactory, shared_pools: SharedPools, hashed_model: Path) -> "Sound":
    """Tests may not change it, nor its files but for the time of the test."""
    from tests.indexer.sound import Sound

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "decoder_pool", shared_pools.open)
        return Sound(tmp_path_factory.mktemp("sound"), hashed_model)


@pytest.fixture(autouse=True)
def _shared_decoders(shared_pools: SharedPools, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the runs in this process the start of decoders; those in processes of their own have their own."""
    monkeypatch.setattr(session, "decoder_pool", shared_pools.open)


@pytest.fixture
def settings(hashed_model: Path, tmp_path: Path) -> Settings:
    return load_settings(model=str(hashed_model), data_dir=tmp_path / "data", workers=2, segment_seconds=10.0)


@pytest.fixture
def call(run_here: Callable[..., Ended]) -> Callable[..., tuple[int, str]]:
    """Run `omnisearch` with arguments in this process: exit status and stdout."""
    return lambda *arguments: run_here(*arguments)[:2]


def points_of(settings: Settings) -> dict[str, Point]:
    """All that the engine holds, by id, with vectors."""
    model = OmniBind.load(settings.model, settings)
    with closing(
        open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)
    ) as store:
        return {point.id: point for point in store.scroll(with_vectors=True)}


def paths_of(settings: Settings) -> set[str]:
    return {point.payload.path for point in points_of(settings).values()}


def keys_of(settings: Settings) -> set[str]:
    """The keys of all raw embeddings."""
    model = OmniBind.load(settings.model, settings)
    spaces = [space_id(model, name) for name in model.spaces]
    with closing(SpaceEmbeddingStore(settings.data_dir / EMBEDDINGS_DIRECTORY)) as raw:
        return {key for space in spaces for m in Modality for key in raw.keys(space, m)}
