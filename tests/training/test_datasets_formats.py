import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch_training.datasets.pmd import read_mesh
from omnisearch_training.datasets.qt_resource import resources
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import WordNet

_LICENCE = "  1 This stands above the data.\n"
_DATA = (
    "00000100 05 n 01 animal 0 000 | a living thing\n"
    '00000200 05 n 02 dog 0 domestic_dog 0 001 @ 00000100 n 0000 | a barking pet; "the dog barked"\n'
    "00000300 09 n 01 dog 0 000 | an idea of a dog\n"
)
_INDEX = "animal n 1 0 1 0 00000100\ndog n 2 1 @ 2 1 00000300 00000200\n"


@pytest.fixture
def nouns(tmp_path: Path) -> WordNet:
    folder = tmp_path / "usr/share/wordnet"
    folder.mkdir(parents=True)
    (folder / "data.noun").write_text(_LICENCE + _DATA)
    (folder / "index.noun").write_text(_LICENCE + _INDEX)
    return WordNet(tmp_path)


def test_wordnet_prefers_what_can_be_seen(nouns: WordNet) -> None:
    assert nouns.explain("dog") == "dog, also domestic dog, a kind of animal: a barking pet"
    assert nouns.explain("brown dogs") == "brown dogs, also dog, domestic dog, a kind of animal: a barking pet"
    assert nouns.explain("idea") is None


def _resource_file(name: str, content: bytes) -> bytes:
    names = struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    packed = struct.pack(">I", len(content)) + zlib.compress(content)
    data = struct.pack(">I", len(packed)) + packed
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHHHI", 0, 1, 0, 0, 0)
    head = 20
    return b"qres" + struct.pack(">IIII", 1, head, head + len(tree), head + len(tree) + len(data)) + tree + data + names


def test_a_resource_file_gives_its_files(tmp_path: Path) -> None:
    path = tmp_path / "toys.rcc"
    path.write_bytes(_resource_file("dog.ogg", b"woof" * 9))
    assert list(resources(path)) == [("dog.ogg", b"woof" * 9)]
    path.write_bytes(b"RIFF" * 9)
    with pytest.raises(ValueError, match=r"toys\.rcc"):
        list(resources(path))


def test_drawings_are_drawn_on_white_and_blank_ones_refused(tmp_path: Path) -> None:
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="50mm" viewBox="0 0 2 1">{}</svg>'
    red = frame.format('<rect width="1" height="1" fill="#f00"/>')
    jobs = [(red, tmp_path / "red.png"), (frame.format(""), tmp_path / "blank.png"), ("<svg", tmp_path / "broken.png")]
    assert list(rasterise(jobs, side=64)) == [True, False, False]
    pixels = np.asarray(Image.open(tmp_path / "red.png"))
    assert pixels.shape == (32, 64, 3)
    assert pixels[16, 10].tolist() == [255, 0, 0]
    assert pixels[16, 54].tolist() == [255, 255, 255]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["red.png"]


@pytest.mark.parametrize("version", [3, 4])
def test_a_compiled_mesh_is_turned_to_the_right_hand(version: int) -> None:
    corner = struct.pack("<3f3f2f20x", 1, 2, 3, 0, 0, 1, 0.25, 0.75)
    layers = struct.pack("<I", 1) if version == 4 else b""
    data = b"PSMD" + struct.pack("<III", version, 0, 3) + layers + corner * 3 + struct.pack("<I3H", 1, 0, 1, 2)
    vertices, normals, coordinates, faces = read_mesh(data)
    assert vertices.tolist() == [[1, 2, -3]] * 3
    assert normals.tolist() == [[0, 0, -1]] * 3
    assert coordinates.tolist() == [[0.25, 0.75]] * 3
    assert faces.tolist() == [[2, 1, 0]]
    with pytest.raises(ValueError, match="compiled mesh"):
        read_mesh(b"RIFF" + data[4:])
