"""Synthesized media to index: photographs, notes, documents, 3D models, sounds and films, drawn from a seed."""

import random
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from omnisearch.types import Floats, Modality, Pixels

WORDS = """
garden window harbour letter kitchen mountain train violin bridge market river lantern ladder orchard engine museum
blanket compass ticket recipe thunder pavement carpenter library sailor meadow bicycle chimney notebook island
"""
FULL_HD = (1920, 1440)
OPEN_XML = "http://schemas.openxmlformats.org"
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
# The files of a Word document.
WORD_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{OPEN_XML}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{WORD_TYPE}"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{OPEN_XML}/package/2006/relationships"><Relationship Id="rId1" '
    f'Type="{OPEN_XML}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
    "word/document.xml": f'<w:document xmlns:w="{OPEN_XML}/wordprocessingml/2006/main">'
    "<w:body>{body}</w:body></w:document>",
}


def photographs(folder: Path, count: int, sides: tuple[int, int] = (1280, 960)) -> None:
    """Write JPEG files, each a tinted part of one of four scenes with structure at all scales."""
    draw = np.random.default_rng(1)
    scenes = [_scene(draw, FULL_HD) for _ in range(4)]
    for n in range(count):
        left, upper = (int(draw.integers(0, whole - side + 1)) for whole, side in zip(FULL_HD, sides, strict=True))
        part = scenes[n % 4][upper : upper + sides[1], left : left + sides[0]]
        tinted = (part * draw.uniform(0.6, 1, 3)).astype(np.uint8)
        Image.fromarray(tinted).save(folder / f"{n:05}.jpg", quality=88)


def notes(folder: Path, count: int) -> None:
    """Write short text files of 10 to 120 words."""
    draw = random.Random(2)
    for n in range(count):
        words = draw.choices(WORDS.split(), k=draw.randint(10, 120))
        (folder / f"{n:05}.txt").write_text(f"{n} {' '.join(words)}.\n")


def documents(folder: Path, count: int) -> None:
    """Write Word documents of 300 to 1,500 words, in paragraphs of 60."""
    draw = random.Random(6)
    for n in range(count):
        words = draw.choices(WORDS.split(), k=draw.randint(300, 1500))
        paragraphs = (" ".join(words[start : start + 60]) for start in range(0, len(words), 60))
        body = "".join(f"<w:p><w:r><w:t>{n} {text}.</w:t></w:r></w:p>" for text in paragraphs)
        with zipfile.ZipFile(folder / f"{n:05}.docx", "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in WORD_PARTS.items():
                package.writestr(name, content.format(body=body))


def objects(folder: Path, count: int) -> None:
    """Write 3D models: bumpy spheres of 5,120 to 81,920 faces, as GLB, PLY and STL."""
    import trimesh

    draw = np.random.default_rng(3)
    for n in range(count):
        sphere = trimesh.creation.icosphere(subdivisions=4 + n % 3)
        waves = draw.normal(size=(3, 6)) * 3
        bumps = 1 + 0.15 * np.sin(sphere.vertices @ waves).sum(axis=1) / 3
        sphere.vertices *= bumps[:, None] * draw.uniform(0.3, 1, 3)
        sphere.export(folder / f"{n:05}.{('glb', 'ply', 'stl')[n // 3 % 3]}")


def sounds(folder: Path, count: int) -> None:
    """Write WAV files of 3 to 20 seconds: tones that rise or fall, and noise."""
    draw = np.random.default_rng(4)
    for n in range(count):
        with wave.open(str(folder / f"{n:05}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(44_100)
            file.writeframes((_tones(draw, draw.uniform(3, 20), 44_100) * 32_000).astype("<i2").tobytes())


def films(folder: Path, count: int) -> None:
    """Write MP4 files of 4 to 16 seconds with H.264 and AAC: a moving part of a scene, with sound."""
    draw = np.random.default_rng(5)
    scenes = [_scene(draw, (960, 720)) for _ in range(3)]
    for n in range(count):
        _film(folder / f"{n:05}.mp4", scenes[n % 3], draw, draw.uniform(4, 16))


GENERATORS: dict[Modality, Callable[[Path, int], None]] = {
    Modality.IMAGE: photographs,
    Modality.TEXT: notes,
    Modality.POINT_CLOUD: objects,
    Modality.AUDIO: sounds,
    Modality.VIDEO: films,
}


def _scene(draw: np.random.Generator, sides: tuple[int, int]) -> Pixels:
    """Draw octaves of noise and some shapes."""
    total = np.zeros((sides[1], sides[0], 3), np.float32)
    for octave in range(2, 9):
        noise = draw.integers(0, 256, (3 * 2 ** (octave - 2), 4 * 2 ** (octave - 2), 3), np.uint8)
        grown = Image.fromarray(noise).resize(sides, Image.Resampling.BICUBIC)
        total += np.asarray(grown, np.float32) * 0.62 ** (octave - 1)
    low, high = np.percentile(total, (1, 99))
    pixels = ((total - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    down, across = np.ogrid[: sides[1], : sides[0]]
    for _ in range(12):
        x, y, radius = draw.uniform(0, sides[0]), draw.uniform(0, sides[1]), draw.uniform(20, 160)
        pixels[(across - x) ** 2 + (down - y) ** 2 < radius**2] = draw.integers(0, 256, 3)
    return pixels


def _tones(draw: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Return samples in [-1, 1]."""
    times = np.arange(int(seconds * rate)) / rate
    sound = 0.1 * draw.normal(size=len(times))
    for _ in range(4):
        start, change = draw.uniform(100, 2000), draw.uniform(-60, 60)
        sound += 0.3 * np.sin(2 * np.pi * (start * times + change * times**2 / 2)) * np.sin(times * draw.uniform(1, 9))
    samples: Floats = (sound / np.abs(sound).max()).astype(np.float32)
    return samples


def _film(path: Path, scene: Pixels, draw: np.random.Generator, seconds: float) -> None:
    import av

    rate, fps, width, height = 44_100, 25, 640, 360
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        sound = film.add_stream("aac", rate=rate)
        x, y = draw.uniform(0, scene.shape[1] - width), draw.uniform(0, scene.shape[0] - height)
        across, down = draw.uniform(-4, 4, 2)
        for _ in range(int(seconds * fps)):
            x, y = (x + across) % (scene.shape[1] - width), (y + down) % (scene.shape[0] - height)
            view = np.ascontiguousarray(scene[int(y) : int(y) + height, int(x) : int(x) + width])
            film.mux(picture.encode(av.VideoFrame.from_ndarray(view)))
        heard = av.AudioFrame.from_ndarray(_tones(draw, seconds, rate)[None], format="fltp", layout="mono")
        heard.sample_rate = rate
        for stream, last in ((sound, heard), (sound, None), (picture, None)):
            film.mux(stream.encode(last))
