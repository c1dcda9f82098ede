"""Real recordings and pages from packages, with the words that are known of them. Files have numbers as their names.

The recordings are Tux Paint's spoken names of animals (GPL-2), the prompts of the Asterisk telephone system
(CC-BY-SA-3.0), and the sentences and playing cards of PocketSphinx's tests (BSD-2). The pages are the test charts of
the CCITT in JBIG-KIT (GPL-2+), and photographs of jscanify (MIT) and scikit-image (BSD-3). Without words are sounds
and music of LinCity-NG (GPL-2+) and Tux Paint's pictures of food and plants.
"""

import gzip
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import soundfile
from PIL import Image

from demo.words.transcript import words_of
from demo.words.truth import Question, Truth
from omnisearch_training.datasets.declared.tuxpaint import STAMPS
from omnisearch_training.datasets.fetch_package import Package, Registry, fetch_package
from omnisearch_training.datasets.named_sounds import debian

NAMES, PROMPTS, READ_ALOUD = "spoken names", "prompts", "read aloud"
SCANS, PHOTOGRAPHS = "scanned pages", "photographed pages"
SPOKEN = (NAMES, PROMPTS, READ_ALOUD)
_PHOTOGRAPHED = (
    (Package(Registry.NPM, "jscanify", "1.4.3"), "docs/images/test"),
    (Package(Registry.PYPI, "scikit-image", "0.25.2"), "skimage/data"),
)
_EACH = 2  # every second prompt
_SECONDS = 30  # of each piece of music
_WORDLESS = 30  # of each kind


class RealCorpus:
    """A corpus in a new folder. `truth` knows its words."""

    def __init__(self, root: Path, cache: Path) -> None:
        """Fetch the packages and write the corpus with its truth.

        Raises:
            NotReadyError: a registry's client is not on this machine.
            PackageError: a package could not be fetched.
        """
        self.truth = Truth(0)
        self._root, self._cache, self._count = root, cache, 0
        root.mkdir(parents=True)
        for within, known in ((NAMES, self._names()), (PROMPTS, self._prompts()), (READ_ALOUD, self._read_aloud())):
            for path, text in known:
                self._ask(within, self._add(path), [text])
        self._add_pages()
        for path in self._wordless():
            self.truth.wordless.append(self._add(path))
        self._add_music()
        self.truth.write(root)

    def _names(self) -> Iterator[tuple[Path, str]]:
        for path in sorted(self._folder(STAMPS).rglob("*_desc.ogg")):
            text = path.with_name(path.name.removesuffix("_desc.ogg") + ".txt")
            if text.is_file():
                yield path, text.read_text(encoding="utf-8").splitlines()[0].strip()

    def _prompts(self) -> Iterator[tuple[Path, str]]:
        """Sentences of 6 to 25 words without digits and signs, each once."""
        listed = self._folder(debian("asterisk-core-sounds-en")) / "usr/share/doc/asterisk-core-sounds-en"
        sounds = self._folder(debian("asterisk-core-sounds-en-wav")) / "usr/share/asterisk/sounds/en_US_f_Allison"
        found: dict[str, tuple[Path, str]] = {}
        with gzip.open(listed / "core-sounds-en.txt.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                name, _, text = line.strip().partition(": ")
                path = sounds / f"{name}.wav"
                if 6 <= len(text.split()) <= 25 and not re.search(r"[^A-Za-z ,.?']|\.\.\.", text) and path.is_file():
                    found.setdefault(" ".join(words_of(text)), (path, text))
        yield from list(found.values())[::_EACH]

    def _read_aloud(self) -> Iterator[tuple[Path, str]]:
        folder = self._folder(debian("pocketsphinx-testdata")) / "usr/share/pocketsphinx/test/data"
        for listed in ("librivox/transcription", "cards/cards.transcription"):
            for line in (folder / listed).read_text(encoding="utf-8").splitlines():
                if known := re.fullmatch(r"<s> (.+?) +</s> \((.+)\)", line):
                    yield (folder / listed).with_name(f"{known[2]}.wav"), known[1]

    def _add_pages(self) -> None:
        pages = tomllib.loads(Path(__file__).with_name("pages.toml").read_text(encoding="utf-8"))["pages"]
        for page in pages:
            if page["file"].startswith("ccitt"):
                self._ask(SCANS, self._add_scan(page["file"]), page["lines"])
            else:
                where = (self._folder(package) / under / page["file"] for package, under in _PHOTOGRAPHED)
                self._ask(PHOTOGRAPHS, self._add(next(path for path in where if path.is_file())), page["lines"])

    def _add_scan(self, name: str) -> str:
        """Convert a chart from JBIG, which only its own package reads."""
        chart = self._folder(debian("jbigkit-testdata")) / f"usr/share/jbigkit-testdata/{name}.jbg"
        library = next((self._folder(debian("libjbig0")) / "usr/lib").glob("*"))
        program = self._folder(debian("jbigkit-bin")) / "usr/bin/jbgtopbm"
        there = self._next(".png")
        loaded = {"LD_LIBRARY_PATH": str(library)}
        made = subprocess.run([program, chart], env=loaded, capture_output=True, check=True).stdout
        Image.open(BytesIO(made)).save(self._root / there)
        return there

    def _wordless(self) -> Iterator[Path]:
        stamps = self._folder(STAMPS) / "usr/share/tuxpaint/stamps"
        for shelf in ("food", "plants"):
            yield from _spread(sorted((stamps / shelf).rglob("*.png")))
        sounds = _spread(sorted((self._lincity() / "sounds").glob("*.wav")))
        yield from (path for path in sounds if not path.name.startswith("Substation"))  # a voice says "Power on"

    def _add_music(self) -> None:
        for path in sorted((self._lincity() / "music").rglob("*.ogg")):
            rate = soundfile.info(path).samplerate
            samples, _ = soundfile.read(path, frames=_SECONDS * rate)
            there = self._next(".flac")
            soundfile.write(self._root / there, samples, rate)
            self.truth.wordless.append(there)

    def _lincity(self) -> Path:
        return self._folder(debian("lincity-ng-data")) / "usr/share/games/lincity-ng"

    def _ask(self, within: str, file: str, lines: list[str]) -> None:
        self.truth.questions += [Question(line, (file,), within, within) for line in lines]

    def _folder(self, package: Package) -> Path:
        return fetch_package(package, self._cache)

    def _add(self, path: Path) -> str:
        there = self._next(path.suffix.lower())
        shutil.copyfile(path, self._root / there)
        return there

    def _next(self, suffix: str) -> str:
        self._count += 1
        return f"{self._count:03}{suffix}"


def _spread(paths: list[Path]) -> list[Path]:
    return paths[:: max(1, len(paths) // _WORDLESS)][:_WORDLESS]
