"""Compute the means, the background and the relevance of a model from the samples that ship with omnisearch."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding import calibrate
from omnisearch.binding.background import Background
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.sample_calibration import SampleCalibration
from omnisearch.errors import WeightsError
from omnisearch.meter import Meter
from omnisearch.samples.material import DEPICTIONS, Sample, count_samples, make_samples
from omnisearch.samples.things import LANGUAGES, THINGS
from omnisearch.types import Content, Floats, Modality, Role, SpaceEmbeddings

SIZE = 512  # the most background items of a modality
_BATCH = 16

Encode: TypeAlias = Callable[[Modality, Sequence[Content], Role], SpaceEmbeddings]


def calibrate_with_samples(
    fusion: Fusion, encode: Encode, meter: Meter, parts: Sequence[Modality], things: Sequence[str] = tuple(THINGS)
) -> SampleCalibration:
    """Compute the calibration of some parts of a fusion whose means are zero; sets its means. `encode` runs spaces."""
    meter.start(sum(count_samples(part, things) for part in parts))
    found: dict[tuple[str, Modality], Floats] = {}
    shown: dict[Modality, list[Sample]] = {}
    for part in parts:
        shown[part], rows = [], []
        samples = make_samples(part, things)
        while some := list(islice(samples, _BATCH)):
            rows.append(encode(part, [sample.content for sample in some], Role.DOCUMENT))
            shown[part] += [sample._replace(content="") for sample in some]  # views of objects are large
            meter.advance(len(some))
        own = [key for key in rows[0] if key[1] is part]  # those of a video include its frames and its sound
        found |= {key: _finite(key, np.concatenate([each[key] for each in rows])) for key in own}
    calibrate.centre(fusion, found)
    rows_of = {part: calibrate.fuse(fusion, part, found) for part in parts}
    # The calibration of videos is that of pictures.
    offered: dict[Modality, calibrate.Side] = {
        part: _side(rows_of[part], shown[part]) for part in parts if part is not Modality.VIDEO
    }
    names = _names(fusion, encode, things) if Modality.TEXT in parts else {}
    evidence = _evidence(offered | names, offered)
    video = fusion.config.video if set(fusion.config.video) <= set(parts) else {}
    drawn = calibrate.background(rows_of, video, SIZE, seed=0)
    means = {part: fusion.means[part].numpy().copy() for part in parts if part in fusion.means}
    return SampleCalibration(means, drawn, calibrate.by_target(evidence), calibrate.by_pair(evidence))


def _finite(key: tuple[str, Modality], rows: Floats) -> Floats:
    if not np.isfinite(rows).all():
        space, modality = key
        raise WeightsError(
            f"the space {space} gives numbers that are not finite for {modality}: set precision to bf16 or fp32, or "
            f"check its files with `omnisearch models verify {space}`"
        )
    return rows


def _names(fusion: Fusion, encode: Encode, things: Sequence[str]) -> dict[Modality, calibrate.Side]:
    """Embed the English names as queries."""
    asking = [Sample(thing, "en", THINGS[thing].en) for thing in things]
    rows = encode(Modality.TEXT, [sample.content for sample in asking], Role.QUERY)
    return {Modality.TEXT: _side(calibrate.fuse(fusion, Modality.TEXT, rows), asking)}


def _side(rows: Floats, samples: Sequence[Sample]) -> calibrate.Side:
    """Number the things and their depictions: those of one depiction are one item, and no answer to each other."""
    things = list(THINGS)
    depictions = [sample.depiction for sample in samples]
    groups = np.array([things.index(sample.thing) for sample in samples], np.int64)
    kinds = np.array([DEPICTIONS.index(each) for each in depictions], np.int64)
    return calibrate.Side(rows, groups, groups * len(DEPICTIONS) + kinds)


def _evidence(
    asked: Mapping[Modality, calibrate.Side], offered: Mapping[Modality, calibrate.Side]
) -> dict[tuple[Modality, Modality], calibrate.Evidence]:
    """Weigh the samples of one half of the things against the other half, so that no background has right items.

    Names in other languages than English are background only: a model need not understand them.
    """
    found: dict[tuple[Modality, Modality], calibrate.Evidence] = {}
    foreign = [DEPICTIONS.index(language) for language in LANGUAGES if language != "en"]
    for half in (0, 1):
        chance = Background({m: side.rows[side.groups % 2 != half] for m, side in offered.items()})
        ours = [
            {
                m: _some(side, (side.groups % 2 == half) & ~np.isin(side.ids % len(DEPICTIONS), foreign))
                for m, side in sides.items()
            }
            for sides in (asked, offered)
        ]
        for pair, each in calibrate.weigh(chance, *ours).items():
            found[pair] = found[pair].joined(each) if pair in found else each
    return found


def _some(side: calibrate.Side, which: NDArray[np.bool_]) -> calibrate.Side:
    return calibrate.Side(side.rows[which], side.groups[which], side.ids[which])
