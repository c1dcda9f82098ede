"""An index as search sees it: a collection, the model that made it, and what their scores mean."""

from collections import defaultdict
from itertools import islice

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NotFoundError
from omnisearch.search.calibration import Background, Calibration
from omnisearch.stores.base import Filter, Point, VectorStore
from omnisearch.stores.open import open_store
from omnisearch.types import Floats, Modality

BACKGROUND_SAMPLE = 512


class Index:
    """A collection with the model that made it: the two are replaced together or not at all."""

    def __init__(self, model: OmniBind, store: VectorStore) -> None:
        self.model, self.store = model, store
        self._background = Background(dict(model.background) or _sample(store))

    @classmethod
    def open(cls, settings: Settings) -> "Index":
        """Open the collection in use with the model of the settings."""
        model = OmniBind.load(settings.model, settings)
        store = open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)
        try:
            return cls(model, store)
        except BaseException:
            store.close()
            raise

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:
        """Return every segment of an item, in order.

        Raises:
            NotFoundError: no such item.
        """
        found = list(self.store.scroll(Filter(item_ids=(item_id,)), with_vectors=with_vectors))
        if not found:
            raise NotFoundError(f"no item {item_id!r} in the index")
        return sorted(found, key=lambda point: point.payload.segment.index)

    def calibration(self, vector: Floats, modality: Modality) -> Calibration:
        """Return what the scores of a query `vector` (dim,) mean in a modality."""
        return Calibration(*self._background.chance(vector, modality), self.model.relevance(modality))


def _sample(store: VectorStore) -> dict[Modality, Floats]:
    """A sample of the collection. Points come in order of id, and ids are hashes: the first are as good as any."""
    rows: dict[Modality, list[Floats]] = defaultdict(list)
    for modality in Modality:
        for point in islice(store.scroll(Filter(modalities=(modality,)), with_vectors=True), BACKGROUND_SAMPLE):
            rows[modality].append(point.vector)
    return {m: np.stack(found) for m, found in rows.items()}
