"""A uniform sample of the items of a store, which counts and suggestions read.

At most SAMPLE items are read: the first by the ids of their points, which are hashes.
"""

from uuid import UUID

from omnisearch.stores.base import Filter, Mark, Order, Payload, VectorStore

SAMPLE = 10_000
STEP = 256  # points per call of the store: searches wait for one call, 35 ms or less
ID_SPACE = 1 << 128


def read_sample(store: VectorStore, chosen: Filter) -> tuple[list[Payload], float]:
    """Return the items of a sample, and the share of the range of ids that was read: 1.0 if these are all items."""
    found: list[Payload] = []
    after: Mark | None = None
    for at in range(0, SAMPLE, STEP):
        page = store.page(chosen, Order(), after, min(STEP, SAMPLE - at))
        found += [point.payload for point in page.points]
        if (after := page.end) is None:
            break
    return found, 1.0 if after is None else (UUID(after.id).int + 1) / ID_SPACE
