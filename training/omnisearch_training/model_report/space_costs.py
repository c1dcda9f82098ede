"""The cost of each space: parameters, processor time for an item, and the weight that the routers give it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.spaces.towers import TOWERS, load_tower, stack
from omnisearch.types import Content, Floats, Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.recall import Side
from omnisearch_training.stages.features import Features

WARM = 2  # items that are run before the clock starts


@dataclass(frozen=True)
class SpaceCost:
    """What one space costs for one modality.

    `parameters` are those of its tower and of the towers below it. `tower_ms` is the processor time of the tower for an
    item, which the spaces `shared` with do not pay again; `own_ms` is that of the space's own head. `weight` is the
    mean share of the embedding's factors, and `items` the number of items that were timed.
    """

    space: str
    modality: Modality
    tower: str
    parameters: int
    shared: tuple[str, ...]
    tower_ms: float
    own_ms: float
    weight: float
    items: int


def space_costs(
    model: OmniBind,
    features: Features,
    records: Sequence[Record],
    sides: Mapping[Modality, Side],
    settings: Settings,
    count: int,
) -> Iterator[SpaceCost]:
    """Time every tower over `count` items of each modality on this machine, and yield the cost of each space."""
    for modality, side in sides.items():
        if modality is Modality.VIDEO:
            continue  # its parts are those of pictures and of sounds
        contents = _contents(features, records, modality, count)
        if len(contents) <= WARM:
            continue
        weights = space_weights(model, modality, side)
        readers = model.towers(modality)
        timed = {tower: _time(tower, contents, settings) for tower in dict.fromkeys(readers.values())}
        for space, tower in readers.items():
            tower_ms, rows = timed[tower]
            begun = time.process_time()
            model.spaces[space].project(modality, rows)
            own_ms = 1000 * (time.process_time() - begun) / len(rows)
            yield SpaceCost(
                space,
                modality,
                tower,
                sum(TOWERS[name].parameters for name in stack(tower)),
                tuple(other for other, read in readers.items() if read == tower and other != space),
                tower_ms,
                own_ms,
                weights.get(space, 0.0),
                len(contents) - WARM,
            )


def _contents(features: Features, records: Sequence[Record], modality: Modality, count: int) -> list[Content]:
    if modality is Modality.TEXT:
        return [record.captions[0] for record in records[: count + WARM]]
    chosen = [record for record in records if modality in record.files]
    return features.contents(chosen[: count + WARM], modality)[: count + WARM]


def _time(tower: str, contents: Sequence[Content], settings: Settings) -> tuple[float, Floats]:
    """Return the milliseconds of processor time for an item, and the rows of the items."""
    loaded = load_tower(tower, settings)
    loaded.features(contents[:WARM])
    begun = time.process_time()
    rows = loaded.features(contents[WARM:])
    return 1000 * (time.process_time() - begun) / len(rows), rows


def space_weights(model: OmniBind, modality: Modality, side: Side) -> dict[str, float]:
    """Return the mean factor of each space of a modality; a branch of several spaces is divided by their parts."""
    factors = model.factors(modality, side.embeddings)
    found: dict[str, float] = {}
    for branch in model.config.branches[modality]:
        mean, whole = float(factors[f"{modality}:{branch.name}"].mean()), sum(branch.parts.values())
        for space, part in branch.parts.items():
            found[space] = found.get(space, 0.0) + mean * part / whole
    return found
