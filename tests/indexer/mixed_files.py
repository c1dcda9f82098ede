"""A folder of small files of all kinds."""

from pathlib import Path

from tests.indexer.conftest import write_image, write_mesh, write_sound
from tests.media.makers import pdf, write_video


def write_mixed(folder: Path, count: int) -> list[Path]:
    """Write files that all differ: of 100, 50 notes, 30 pictures, 10 PDFs, 5 sounds, 3 films and 2 3D models."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder, n) for n in range(count)]


def _write(folder: Path, n: int) -> Path:
    place = n * 37 % 100  # so that the kinds alternate
    if place < 50:
        path = folder / f"{n}.txt"
        path.write_text(f"note {n}: " + f"word{n % 7} and more words. " * (20 + n % 90))
    elif place < 80:
        path = write_image(folder / f"{n}.png", seed=n)
    elif place < 90:
        path = folder / f"{n}.pdf"
        path.write_bytes(pdf(f"page number {n}"))
    elif place < 95:
        path = write_sound(folder / f"{n}.wav", seconds=1 + n % 25, seed=n)
    elif place < 98:
        path = folder / f"{n}.mp4"
        write_video(path, seconds=1 + n / 100, sound=1.0)
    else:
        path = write_mesh(folder / f"{n}.stl", seed=n)
    return path
