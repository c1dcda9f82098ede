"""Evaluate localization: find a sound among other sounds, or a drawing on a photograph, by its name and by itself.

Run `python -m omnisearch_training.evaluate.localization`: a table in Markdown on stdout. All items are of the test
split. There are no annotated real recordings, so the files are composed and the true location is known.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.errors import MediaError
from omnisearch.media.pool import DecoderPool
from omnisearch.media.segmentation import Segmentation, cut_samples
from omnisearch.query.expressions import Term
from omnisearch.search.index import Unindexed
from omnisearch.search.locate.locate import find_locations
from omnisearch.search.locate.results import Location
from omnisearch.search.locate.windows import BLOCK_SECONDS, score_windows
from omnisearch.search.plan.compose import query_vector
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.types import (
    Content,
    Decoded,
    Floats,
    MediaInfo,
    Modality,
    Piece,
    Pixels,
    Region,
    Role,
    Segment,
    Waveform,
)
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.load import open_data
from omnisearch_training.evaluate.ground_truth import concept

TRIALS = 24
RATE = 44_100
LENGTHS = 1.5, 8.0  # least and most seconds of an inserted sound; other sounds are cut at the latter
AMONG, GAP = 24.0, 0.2  # seconds of other sounds, and of silence between two
SIZES = 0.3, 0.6  # of the shorter side of the photograph
LIGHT = 245  # pixels of a drawing that are as light in all channels are background and are not pasted
BLOCKS = Segmentation(BLOCK_SECONDS, 0.0, 1, 0)

Box = tuple[float, ...]  # lower bounds, then upper bounds


@dataclass(frozen=True, eq=False)
class Trial:
    """A composed file with an inserted item at `truth`, in seconds or in shares of the sides, and that item."""

    name: str
    thing: Content
    decoded: Decoded
    truth: Box
    whole: Box


@dataclass(frozen=True)
class Localized:
    """The result of one trial; `hit` if the middle of the best location is within the truth."""

    hit: bool
    chance: float
    overlap: float
    error: float


def score(trial: Trial, place: Box) -> Localized:
    """Compare a location with the truth: intersection over union, and the mean distance of their bounds."""
    half = len(place) // 2
    (low, high), (first, last) = ((np.array(box[:half]), np.array(box[half:])) for box in (place, trial.truth))
    shared = float(np.prod((np.minimum(high, last) - np.maximum(low, first)).clip(0)))
    size, wanted = float(np.prod(high - low)), float(np.prod(last - first))
    middle = (low + high) / 2
    return Localized(
        hit=bool(((first <= middle) & (middle <= last)).all()),
        chance=wanted / float(np.prod(np.array(trial.whole[half:]) - np.array(trial.whole[:half]))),
        overlap=shared / (size + wanted - shared),
        error=float(np.abs(np.array(place) - np.array(trial.truth)).mean()),
    )


def box_of(place: Location) -> Box:
    """Return the bounds of a location."""
    if isinstance(place.at, Region):
        return place.at.x, place.at.y, place.at.x + place.at.width, place.at.y + place.at.height
    assert place.at.start is not None
    assert place.at.end is not None
    return place.at.start, place.at.end


def plant_sounds(sounds: Sequence[tuple[Record, Floats]], rng: np.random.Generator) -> Iterator[Trial]:
    """Insert each of some sounds (n,) at RATE between sounds of other concepts."""
    fit = [i for i, (_, samples) in enumerate(sounds) if LENGTHS[0] <= len(samples) / RATE <= LENGTHS[1]]
    gap = np.zeros(round(GAP * RATE), np.float32)
    for planted in rng.permutation(fit)[:TRIALS]:
        record, thing = sounds[planted]
        others = [samples for other, samples in sounds if concept(other) != concept(record)]
        parts: list[Floats] = []
        while sum(map(len, parts)) < AMONG * RATE:
            parts += [others[rng.integers(len(others))][: round(LENGTHS[1] * RATE)], gap]
        at = 2 * int(rng.integers(len(parts) // 2 + 1))
        start = sum(map(len, parts[:at])) / RATE
        samples = np.concatenate([*parts[:at], thing, gap, *parts[at:]])
        pieces = (Piece(s, Waveform(block, RATE)) for s, block in cut_samples(iter([samples]), RATE, BLOCKS))
        seconds = len(samples) / RATE
        decoded = Decoded(MediaInfo(Modality.AUDIO, "audio/wav", seconds), pieces)
        truth = start, start + len(thing) / RATE
        yield Trial(record.captions[0], Waveform(thing, RATE), decoded, truth, (0.0, seconds))


def plant_drawings(
    drawings: Sequence[tuple[Record, Pixels]], photos: Sequence[tuple[Record, Pixels]], rng: np.random.Generator
) -> Iterator[Trial]:
    """Paste each of some drawings, without its background, on a photograph of another concept."""
    for planted in rng.permutation(len(drawings))[:TRIALS]:
        record, pixels = drawings[planted]
        others = [photo for other, photo in photos if concept(other) != concept(record)]
        ground = Image.fromarray(others[rng.integers(len(others))])
        side = max(2, round(min(ground.size) * rng.uniform(*SIZES)))
        thing = Image.fromarray(pixels).resize((side, side))
        x, y = (int(rng.integers(length - side + 1)) for length in ground.size)
        mask = Image.fromarray((np.asarray(thing).min(axis=2) < LIGHT).astype(np.uint8) * 255)
        ground.paste(thing, (x, y), mask)
        width, height = ground.size
        piece = Piece(Segment(), np.asarray(ground, np.uint8))
        decoded = Decoded(MediaInfo(Modality.IMAGE, "image/png"), iter([piece]))
        truth = x / width, y / height, (x + side) / width, (y + side) / height
        yield Trial(record.captions[0], pixels, decoded, truth, (0.0, 0.0, 1.0, 1.0))


def measure(model: OmniBind, trials: Iterator[Trial], modality: Modality, batch: int) -> dict[str, list[Localized]]:
    """Locate every inserted item by its name and by itself."""
    index = Unindexed(model)
    found: dict[str, list[Localized]] = {"its name": [], "itself": []}
    for trial in trials:
        looked = score_windows(model, trial.decoded, batch)
        term = Term(trial.name)
        (total,) = term.leaves
        for asked, kind, content in (("its name", Modality.TEXT, trial.name), ("itself", modality, trial.thing)):
            (vector,) = model.encode(kind, [content], Role.QUERY)
            (place,) = find_locations(
                index, looked, term, {total: query_vector(total, {term: EmbeddedTerm(vector, kind)})}, limit=1
            ).places
            found[asked].append(score(trial, box_of(place)))
    return found


def table(found: dict[tuple[str, str], list[Localized]]) -> str:
    """Write the results as Markdown; boundary errors are of hits only, in seconds or in per cent of the sides."""
    lines = ["| planted | asked by | trials | hit | chance | mean overlap | boundary error |"]
    lines.append("|---|---|--:|--:|--:|--:|--:|")
    for (planted, asked), trials in found.items():
        errors = [each.error for each in trials if each.hit]
        middle = float(np.median(errors)) if errors else float("nan")
        error = f"{middle:.2f} s" if planted == "sound" else f"{100 * middle:.0f} %"
        hit, chance, overlap = (np.mean([getattr(t, name) for t in trials]) for name in ("hit", "chance", "overlap"))
        lines.append(
            f"| {planted} | {asked} | {len(trials)} | {100 * hit:.0f} % | {100 * chance:.0f} % "
            f"| {overlap:.2f} | {error} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run from the command line."""
    settings = load_settings()
    model = OmniBind.load(settings.model, settings)
    records = [record for each in open_data([], None).values() for record in each]
    rng = np.random.default_rng(0)
    sounds = [(r, _loud(c)) for r, c in _contents(records, Modality.AUDIO, settings) if isinstance(c, Waveform)]
    drawings = [r for r in records if r.id.startswith("emoji/")]
    photos = [r for r in records if r.id.startswith("gcompris/")]
    pictures = [
        [(r, np.asarray(c, np.uint8)) for r, c in _contents(_some(rows, rng), Modality.IMAGE, settings)]
        for rows in (drawings, photos)
    ]
    found: dict[tuple[str, str], list[Localized]] = {}
    planted = {
        "sound": (plant_sounds(sounds, rng), Modality.AUDIO),
        "drawing": (plant_drawings(pictures[0], pictures[1], rng), Modality.IMAGE),
    }
    for kind, (trials, modality) in planted.items():
        measured = measure(model, trials, modality, settings.batch_size)
        found |= {(kind, asked): rows for asked, rows in measured.items()}
    sys.stdout.write(table(found))


def _some(records: Sequence[Record], rng: np.random.Generator) -> list[Record]:
    return [records[i] for i in rng.permutation(len(records))[: 2 * TRIALS]]


def _contents(records: Sequence[Record], modality: Modality, settings: Settings) -> Iterator[tuple[Record, Content]]:
    """Decode the records' files; only the first minute of a long sound."""
    whole = settings.model_copy(update={"segment_seconds": 60.0, "segment_overlap": 0.0})
    with DecoderPool(whole, workers=1) as pool:
        for record in records:
            if modality in record.files:
                try:
                    yield record, next(pool.decode(record.files[modality]).pieces).content
                except MediaError:
                    continue


def _loud(sound: Waveform) -> Floats:
    """Return the samples at RATE, scaled to a common peak."""
    from omnisearch.spaces.nn.waveforms import resampled

    samples: Floats = resampled(sound, RATE).numpy()
    return samples / max(float(np.abs(samples).max()), 1e-6) * np.float32(0.7)


if __name__ == "__main__":
    main()
