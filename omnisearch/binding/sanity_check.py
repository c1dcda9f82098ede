"""Check a model with samples: files that show the same few things in several modalities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from omnisearch.binding.model import OmniBind
from omnisearch.errors import MediaError, UsageError
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Content, Modality, Role

PROMPT = "a photo of {}"  # the prompt of the paper's repository

# The contents of each modality, by the thing that they show.
Samples = Mapping[Modality, Mapping[str, Content]]


@dataclass(frozen=True)
class Comparison:
    """One row of a similarity matrix: a thing in one modality, and its cosine to every thing in another."""

    source: Modality
    target: Modality
    thing: str
    cosines: Mapping[str, float]

    @property
    def nearest(self) -> str:
        """The nearest thing, which is the thing itself if the model is right."""
        return max(self.cosines, key=lambda thing: self.cosines[thing])


def read_samples(folder: Path, pool: DecoderPool, modalities: tuple[Modality, ...]) -> Samples:
    """Decode the files of a folder, keyed by their names without extension; of a long file only the first segment.

    A thing without a text file gets the text PROMPT.

    Raises:
        UsageError: there are fewer than two things or modalities, or two files of one thing and modality.
        MediaError: a file cannot be read; names it.
    """
    found: dict[Modality, dict[str, Content]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        modality, content = _first(path, pool)
        if path.stem in found.setdefault(modality, {}):
            raise UsageError(f"{path} is the second {modality} of {path.stem!r}: a sample has one file per modality")
        found[modality][path.stem] = content
    things = {thing: None for contents in found.values() for thing in contents}
    found[Modality.TEXT] = {thing: PROMPT.format(thing) for thing in things} | found.get(Modality.TEXT, {})
    shown = {modality: contents for modality, contents in found.items() if modality in modalities}
    if len(things) < 2 or len(shown) < 2:
        raise UsageError(
            f"{folder} shows {len(things)} things in {len(shown)} modalities of the model, but a check needs two of "
            f"each: name files by what they show, such as train.jpeg, train.wav, dog.jpeg and dog.wav"
        )
    return shown


def _first(path: Path, pool: DecoderPool) -> tuple[Modality, Content]:
    try:
        decoded = pool.decode(path)
        piece = next(decoded.pieces)
    except MediaError as error:
        raise error.about(path) from None
    decoded.pieces.close()  # type: ignore[attr-defined]  # a generator, whose worker is wanted by the next file
    return decoded.info.modality, piece.content


def compare_samples(model: OmniBind, samples: Samples) -> Iterator[Comparison]:
    """Yield, for every ordered pair of modalities, the rows of the matrix of cosines between their samples."""
    rows = {
        modality: model.encode(modality, list(contents.values()), Role.QUERY) for modality, contents in samples.items()
    }
    for source, target in permutations(samples, 2):
        cosines = (rows[source] @ rows[target].T).tolist()
        for thing, row in zip(samples[source], cosines, strict=True):
            if thing in samples[target]:
                yield Comparison(source, target, thing, dict(zip(samples[target], row, strict=True)))
