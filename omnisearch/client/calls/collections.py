"""Collections: list, describe, create and delete them."""

from collections.abc import Sequence

from omnisearch.client.call import Asking, Call, Parameter, Sent, nothing, once, segment
from omnisearch.client.query_json import RequestBody
from omnisearch.query.area import write_area
from omnisearch.schema.collection import CollectionOut, CollectionsOut
from omnisearch.schema.map import MapOut
from omnisearch.schema.stats import FacetsOut, StatsOut
from omnisearch.schema.status import StatusOut
from omnisearch.types import Modality

PATH = "v1/collections"


class CollectionCalls(Asking):
    """Calls about collections as a whole."""

    @Sent
    def collections(self) -> Call[CollectionsOut]:
        """List the collections of the server."""
        return Call("GET", PATH, CollectionsOut.model_validate_json)

    @Sent
    def collection(self, name: str) -> Call[CollectionOut]:
        """Return a collection with its counts."""
        return Call("GET", f"{PATH}/{segment(name)}", CollectionOut.model_validate_json)

    @Sent
    def create_collection(self, name: str, idempotency_key: str | None = None) -> Call[CollectionOut]:
        """Make an empty collection."""
        return Call(
            "POST", PATH, CollectionOut.model_validate_json, RequestBody({"name": name}), headers=once(idempotency_key)
        )

    @Sent
    def delete_collection(self, name: str) -> Call[None]:
        """Remove a collection with its vectors and embeddings; the indexed files are not deleted."""
        return Call("DELETE", f"{PATH}/{segment(name)}", nothing)

    @Sent
    def status(self, collection: str | None = None) -> Call[StatusOut]:
        """Return the number of indexed segments, and the model."""
        return Call("GET", "v1/status", StatusOut.model_validate_json, None, self._of(collection))

    @Sent
    def stats(self, collection: str | None = None) -> Call[StatsOut]:
        """Return the number, the size and the dates of the items."""
        return Call("GET", "v1/stats", StatsOut.model_validate_json, None, self._of(collection))

    @Sent
    def facets(
        self,
        modalities: Sequence[Modality | str] | None = None,
        where: Sequence[str] | None = None,
        area: Sequence[tuple[float, float]] = (),
        limit: int | None = None,
        collection: str | None = None,
    ) -> Call[FacetsOut]:
        """Count items by modality, type, year and folder; up to `limit` values of each."""
        chosen: dict[str, Parameter] = {"modalities": modalities, "where": where, "limit": limit}
        chosen["area"] = write_area(area) or None
        return Call("GET", "v1/facets", FacetsOut.model_validate_json, None, chosen | self._of(collection))

    @Sent
    def map(self, collection: str | None = None) -> Call[MapOut]:
        """Return the map of the items, which the job of `make_map` makes."""
        return Call("GET", "v1/map", MapOut.model_validate_json, None, self._of(collection))
