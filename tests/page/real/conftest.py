"""A real server over an index that `omnisearch index` made with the model `mini`, indexed once for all tests of it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trimesh
from PIL import Image

from demo.film import write_film
from omnisearch.cli.listening import listen
from omnisearch.samples.drawings import PLAIN, Style, make_drawing
from omnisearch.samples.shapes import SHAPES
from omnisearch.samples.sounds import make_sound
from omnisearch.samples.things import THINGS
from tests.api.conftest import server_process
from tests.page.conftest import BROWSER, CARD, FLAGS

REAL = [*BROWSER, pytest.mark.weights, pytest.mark.timeout(900)]
OTHER = Style("#f0e6d2", -8, 0.8, True)  # a drawing that is not in the collection
# Names that are markup, code, addresses or control characters to one who takes them for such.
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)<!--",
    '" onmouseover="alert(3)" x="',
    "'; alert(4); '",
    "\u202egpj.exe",
    "a line\nbreak",
    "a tab\tand\r a return",
    "\U0001f469\u200d\U0001f692\U0001f98a\ufe0f",
    "z\u0351\u034a\u0363\u0301\u0301\u0308a\u0321\u0322lgo",
    "100% %3Cb%3E %00 %2e%2e",
    "&lt;b&gt; &amp; &#0;",
    "W" * 240,
    "javascript:alert(13)",
    "data:text,html;base64,PHNjcmlwdD4=",
    "{{constructor.constructor('alert(15)')()}}",
    "${alert(16)} `alert(16)`",
    "?view=library&open=x#fragment",
    "C:\\..\\windows\\system32",
    "  blank  ",
    "\ud800 not UTF-8".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
)


def _write_picture(path: Path, thing: str, style: Style = PLAIN) -> Path:
    Image.fromarray(make_drawing(thing, style)).save(path)
    return path


def _write_sound(path: Path, *things: str, seed: int = 0) -> Path:
    heard = [make_sound(thing, seed) for thing in things]
    soundfile.write(path, np.concatenate([one.samples for one in heard]), heard[0].rate)
    return path


def _write_mesh(path: Path, thing: str, height: float = 1.0) -> Path:
    solids = []
    for solid in SHAPES[thing]:
        mesh: Any = trimesh.creation.box(solid.size)
        mesh.apply_translation(solid.at)
        mesh.apply_scale([1.0, height, 1.0])
        mesh.visual.face_colors = [*bytes.fromhex(solid.color), 255]
        solids.append(mesh)
    path.write_bytes(trimesh.Scene(solids).export(file_type="glb"))
    return path


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to search with."""
    folder = tmp_path_factory.mktemp("given")
    _write_picture(folder / "another dog.png", "dog", OTHER)
    _write_sound(folder / "another bark.wav", "dog", seed=7)
    _write_mesh(folder / "another table.glb", "table", 0.9)  # a file of the collection itself is no hit of its own
    (folder / "odd.xyz").write_bytes(bytes(range(256)))
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the five kinds, those with hostile names and, of the same names, those that cannot be read."""
    folder = tmp_path_factory.mktemp("corpus")
    for thing in ("dog", "cat", "train", "airplane"):
        _write_picture(folder / f"{thing}.png", thing)
    _write_sound(folder / "bark.wav", "dog")
    _write_sound(folder / "shower.wav", "rain")
    _write_sound(folder / "toll after rain.wav", *["rain"] * 4, *["bell"] * 2)
    _write_mesh(folder / "chair.glb", "chair")
    _write_mesh(folder / "table.glb", "table")
    dog, train = ([folder / f"{thing}.png"] * 4 for thing in ("dog", "train"))
    write_film([*dog, *train], folder / "bark.wav", folder / "dog first.mp4")
    write_film([*train, *dog], folder / "bark.wav", folder / "train first.mp4")
    for thing in ("bee", "train"):
        (folder / f"about {thing}.txt").write_text(f"A {thing} is {THINGS[thing].gloss}.")
    for name, ending, content in (
        ("named", ".txt", "A volcano erupts, number {}."),
        ("broken", ".png", "no picture {}"),
    ):
        (folder / name).mkdir()
        for number, hostile in enumerate(HOSTILE):
            (folder / name / f"{hostile}{ending}").write_text(content.format(number))
    return folder


class Server:
    """The server over the index of the corpus. It can be stopped, and started again at its address."""

    def __init__(self, corpus: Path, data_dir: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "omnisearch", "index", corpus, "--data-dir", data_dir, "--model", "mini"],
            check=False,  # it tells that some files could not be read
            timeout=600,
        )
        with listen("127.0.0.1", 0) as free:
            self._port = str(free.getsockname()[1])
        self._data_dir, self._roots = data_dir, str(corpus)
        self._process = ExitStack()
        self.start()

    def start(self) -> None:
        place = ("--port", self._port)
        serving = server_process(self._data_dir, Path("mini"), *place, OMNISEARCH_INDEX_ROOTS=self._roots)
        self.url = self._process.enter_context(serving).rstrip("/") + "/"

    def stop(self) -> None:
        self._process.close()


@pytest.fixture(scope="session")
def server(corpus: Path, tmp_path_factory: pytest.TempPathFactory, built_page: None) -> Iterator[Server]:
    server = Server(corpus, tmp_path_factory.mktemp("data"))
    yield server
    server.stop()


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="session")
def flags(given: Path) -> Sequence[str]:
    """A browser whose microphone hears a dog bark and whose camera sees a drawing of one."""
    Image.open(given / "another dog.png").save(given / "seen.jpg")
    (given / "seen.jpg").rename(given / "seen.mjpeg")  # a film of one frame, which the camera repeats
    return [
        *FLAGS,
        f"--use-file-for-fake-audio-capture={given / 'another bark.wav'}",
        f"--use-file-for-fake-video-capture={given / 'seen.mjpeg'}",
    ]


def wait_for_best(page: Any, kind: str, name: str) -> None:
    """Wait until the first result of a kind is this file."""
    page.locator(f"{CARD}.{kind}").first.locator(".name bdi").get_by_text(name, exact=True).wait_for()


def link_of(page: Any, name: str) -> Any:
    """What opens the details of the result with this name."""
    return page.locator(CARD, has=page.locator(".name bdi").get_by_text(name, exact=True)).locator("[data-card]")
