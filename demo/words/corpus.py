"""The corpus: files with words and files without, and the questions that have one right answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from demo.words import documents, sounds
from demo.words.films import film
from demo.words.fonts import Fonts
from demo.words.photos import CAMERAS, TOWNS, Tags, write_photo
from demo.words.phrases import SCRIPTS, Phrases
from demo.words.pictures import DRAWS, sign
from demo.words.scenery import scenery
from demo.words.truth import Question, Truth
from demo.words.voices import VOICES, Speaker

_FILLER = (
    "The weather was mild for most of the week.",
    "Nobody had expected so many visitors.",
    "A second copy of this list is kept in the office.",
    "Please return the form before the end of the month.",
    "The repairs took longer than planned.",
    "More chairs were brought from the other room.",
    "The bus was late again because of the snow.",
    "All prices include delivery within the city.",
)
_PAGED = {".pdf", ".pptx", ".xlsx", ".epub"}
_SOUNDS = (".wav", ".mp3", ".flac", ".ogg")


@dataclass(frozen=True)
class Sizes:
    """How many files of each kind there are."""

    pictures: int = 3  # of each script and each way to draw
    wordless: int = 24
    sounds: int = 8
    music: int = 4
    films: int = 4
    photos: int = 36
    parts: int = 4  # of each document
    pause: tuple[float, float] = (4.0, 12.0)


SMALL = Sizes(pictures=1, wordless=4, sounds=2, music=1, films=1, photos=12, parts=2, pause=(1.0, 2.0))


def build(root: Path, cache: Path, speaker: Speaker, seed: int = 0, sizes: Sizes = Sizes()) -> Truth:
    """Write the corpus into an empty or new folder, and return its truth. The same seed gives the same media.

    Raises:
        PackageError: the fonts could not be fetched.
    """
    corpus = _Corpus(root, Fonts(cache), speaker, seed, sizes)
    for step in (
        corpus.add_pictures,
        corpus.add_wordless,
        corpus.add_sounds,
        corpus.add_films,
        corpus.add_photos,
        corpus.add_documents,
    ):
        step()
    corpus.truth.write(root)
    return corpus.truth


class _Corpus:
    def __init__(self, root: Path, fonts: Fonts, speaker: Speaker, seed: int, sizes: Sizes) -> None:
        self.truth = Truth(seed)
        self._root, self._fonts, self._speaker, self._sizes = root, fonts, speaker, sizes
        self._random = np.random.default_rng(seed)
        self._phrases = Phrases(self._random)

    def add_pictures(self) -> None:
        """Pictures with words: each asks for its first phrase."""
        for script, words in SCRIPTS.items():
            for kind, draw in DRAWS.items():
                for name in self._names(f"pictures/{kind}", script, self._sizes.pictures, (".png", ".jpg")):
                    phrases = [self._phrases.phrase(script) for _ in range(1 if kind == "sign" else 4)]
                    drawn = draw(self._random, self._fonts, script, phrases)
                    drawn.picture.save(self._root / name)
                    self._ask(phrases[0], name, "picture", kind, language=words.language, box=drawn.box)

    def add_wordless(self) -> None:
        """Pictures and sounds without words."""
        for name in self._names("pictures/scenery", "view", self._sizes.wordless, (".jpg",)):
            scenery(self._random).save(self._root / name, quality=90)
            self.truth.wordless.append(name)
        for name in self._names("sounds/music", "tune", self._sizes.music, _SOUNDS):
            made = (sounds.music if self._random.integers(2) else sounds.noise)(self._random, 20.0)
            sounds.write_sound(made, self._root / name)
            self.truth.wordless.append(name)

    def add_sounds(self) -> None:
        """Sentences over music and noise: four in English, one in another language."""
        for name in self._names("sounds/speech", "talk", self._sizes.sounds, _SOUNDS):
            language, text = self._phrases.foreign_sentence()
            said = [*self._english(4), (text, language, self._choice(VOICES[language]))]
            samples, found = sounds.speech(self._random, self._speaker, said, self._sizes.pause)
            sounds.write_sound(samples, self._root / name)
            self._ask_for_speech(found, name, "sound")

    def add_films(self) -> None:
        """Films with three sentences, and a sign that is seen for some seconds."""
        for name in self._names("films", "film", self._sizes.films, (".mp4", ".webm")):
            phrase = self._phrases.phrase("latin")
            drawn = sign(self._random, self._fonts, "latin", [phrase])
            samples, found = sounds.speech(self._random, self._speaker, self._english(3), self._sizes.pause)
            seen = film(self._random, drawn.picture, samples, self._root / name)
            self._ask(phrase, name, "frame", "film", start=seen.start, end=seen.end, box=drawn.box)
            self._ask_for_speech(found, name, "film")

    def add_photos(self) -> None:
        """Photos of towns and months, half of them with a caption."""
        taken: dict[tuple[str, str], list[str]] = {}
        names = self._names("photos", "DSC", self._sizes.photos, (".jpg",))
        for n, name in enumerate(names):
            town, at = list(TOWNS)[n % len(TOWNS)], self._time()
            caption = self._phrases.phrase("latin") if n % 2 else ""
            camera = CAMERAS[n % len(CAMERAS)]
            write_photo(scenery(self._random), Tags(at, town, camera, caption), self._root / name)
            taken.setdefault((f"taken:{at:%Y-%m}", f"place:{town}"), []).append(name)
            self.truth.wordless.append(name)
            if caption:
                self._ask(caption, name, "tags", "photo")
        for where, files in taken.items():
            self.truth.questions.append(Question("a landscape", tuple(files), "tags", "photo", "en", where=where))

    def add_documents(self) -> None:
        """Scans and office files, with a phrase in each part."""
        kinds = {".pdf": lambda parts, path: documents.write_scan(parts, path, self._fonts), **documents.WRITERS}
        for suffix, write in kinds.items():
            (name,) = self._names("documents", f"notes{suffix.replace('.', '-')}", 1, (suffix,))
            phrases = [self._phrases.phrase("latin") for _ in range(self._sizes.parts)]
            parts = []
            for n, phrase in enumerate(phrases, 1):
                filler = [_FILLER[k] for k in self._random.permutation(len(_FILLER))[:6]]
                parts.append((f"Part {n}", [*filler[:3], f"{phrase[0].upper()}{phrase[1:]}.", *filler[3:]]))
            write(parts, self._root / name)
            for n, phrase in enumerate(phrases, 1):
                self._ask(phrase, name, "document", suffix[1:], page=n if suffix in _PAGED else None)

    def _names(self, folder: str, stem: str, count: int, suffixes: tuple[str, ...]) -> Iterator[str]:
        (self._root / folder).mkdir(parents=True, exist_ok=True)
        for n in range(count):
            yield f"{folder}/{stem}-{n + 1:02}{suffixes[n % len(suffixes)]}"

    def _ask(self, text: str, file: str, within: str, kind: str, language: str = "en", **place: Any) -> None:
        self.truth.questions.append(Question(text, (file,), within, kind, language, **place))

    def _ask_for_speech(self, found: Sequence[sounds.Sentence], file: str, kind: str) -> None:
        for each in found:
            self._ask(each.text.rstrip("."), file, "speech", kind, each.language, start=each.start, end=each.end)

    def _english(self, count: int) -> list[tuple[str, str, str]]:
        return [(self._phrases.sentence(), "en", self._choice(VOICES["en"])) for _ in range(count)]

    def _choice(self, voices: Sequence[str]) -> str:
        return voices[int(self._random.integers(len(voices)))]

    def _time(self) -> datetime:
        return datetime(2022, 3, 1) + timedelta(minutes=int(self._random.integers(2 * 365 * 24 * 60)))
