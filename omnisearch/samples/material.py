"""Material for calibration: texts, pictures, sounds and 3D objects that show the things of the samples."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from omnisearch.samples.drawings import PLAIN, Style, make_drawing
from omnisearch.samples.modelling import make_object, make_view
from omnisearch.samples.shapes import SHAPES
from omnisearch.samples.sounds import SOUNDS, make_sound
from omnisearch.samples.things import LANGUAGES, THINGS
from omnisearch.types import Clip, Content, Modality

_STYLES = (PLAIN, Style("#cfe3f5", 12, 0.7, True, 25), Style("#f0e6d2", -8, 0.8, False, 0, 0.3))
_SOUNDS = 4  # variations of each sound
_TURNS = (-6, -2, 2, 6)  # of the frames of a film, in degrees
_STRETCHES = ((1.0, 1.0, 1.0), (1.15, 0.9, 1.1))
_SENTENCES = ("There is a {} in the middle of the picture.", "We talked for a while about the {} that we had seen.")

DEPICTIONS = (*LANGUAGES, "description", *_SENTENCES, "drawing", "view", "model", *map(str, range(_SOUNDS)))


class Sample(NamedTuple):
    """A content, the thing that it shows, and its `depiction`.

    Samples of one thing and depiction differ only in pose and colour, and do not tell whether a model relates things.
    """

    thing: str
    depiction: str
    content: Content


def count_samples(modality: Modality, things: Sequence[str]) -> int:
    """Return the number of samples of a modality."""
    sounds, shapes = len([t for t in things if t in SOUNDS]), len([t for t in things if t in SHAPES])
    return {
        Modality.TEXT: len(things) * (len(LANGUAGES) + 1 + len(_SENTENCES)),
        Modality.IMAGE: len(things) * len(_STYLES) + shapes,
        Modality.AUDIO: sounds * _SOUNDS,
        Modality.VIDEO: sounds,
        Modality.POINT_CLOUD: shapes * len(_STRETCHES),
    }[modality]


def make_samples(modality: Modality, things: Sequence[str]) -> Iterator[Sample]:
    """Make the samples of a modality for some of the things; they are the same on every machine."""
    yield from {
        Modality.TEXT: _texts,
        Modality.IMAGE: _pictures,
        Modality.AUDIO: _sounds,
        Modality.VIDEO: _clips,
        Modality.POINT_CLOUD: _objects,
    }[modality](things)


def _texts(things: Sequence[str]) -> Iterator[Sample]:
    for thing in things:
        names = THINGS[thing]
        yield Sample(thing, "description", names.gloss)
        for language in LANGUAGES:
            yield Sample(thing, language, getattr(names, language))
        for sentence in _SENTENCES:
            yield Sample(thing, sentence, sentence.format(names.en))


def _pictures(things: Sequence[str]) -> Iterator[Sample]:
    for thing in things:
        for style in _STYLES:
            yield Sample(thing, "drawing", make_drawing(thing, style))
        if thing in SHAPES:
            yield Sample(thing, "view", make_view(thing))


def _sounds(things: Sequence[str]) -> Iterator[Sample]:
    for thing in things:
        for seed in range(_SOUNDS if thing in SOUNDS else 0):
            yield Sample(thing, str(seed), make_sound(thing, seed))


def _clips(things: Sequence[str]) -> Iterator[Sample]:
    for thing in things:
        if thing in SOUNDS:
            frames = np.stack([make_drawing(thing, PLAIN._replace(turn=turn)) for turn in _TURNS])
            yield Sample(thing, "drawing", Clip(frames, make_sound(thing)))


def _objects(things: Sequence[str]) -> Iterator[Sample]:
    for thing in things:
        for stretch in _STRETCHES if thing in SHAPES else ():
            yield Sample(thing, "model", make_object(thing, stretch, 60 * (stretch[0] - 1)))
