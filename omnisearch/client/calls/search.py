"""Search, locate and embed."""

from collections.abc import Sequence
from pathlib import Path

from typing_extensions import Unpack

from omnisearch.client.asked import Asked, Options, query_of
from omnisearch.client.call import Asking, Call, Parameter, Sent, segment
from omnisearch.client.query_json import batch_body, embeddings_body, locate_body, search_body
from omnisearch.paths import show_path
from omnisearch.query.area import write_area
from omnisearch.query.expressions import Expression, ItemRef, UploadRef
from omnisearch.schema.embeddings import EmbeddingsOut
from omnisearch.schema.locate import LocateOut
from omnisearch.schema.search import FailedOut, SearchBatchOut, SearchOut
from omnisearch.schema.suggestion import SuggestionsOut
from omnisearch.types import Modality, Role


class SearchCalls(Asking):
    """Calls that answer a query."""

    @Sent
    def search(self, asked: Asked, collection: str | None = None, **options: Unpack[Options]) -> Call[SearchOut]:
        """Search by text and media of any kind."""
        body = search_body(query_of(asked, **options))
        return Call("POST", "v1/search", SearchOut.model_validate_json, body, self._of(collection))

    @Sent
    def search_batch(
        self, asked: Sequence[Asked], collection: str | None = None, **options: Unpack[Options]
    ) -> Call[list[SearchOut | FailedOut]]:
        """Answer many queries together, in their order; a query that fails gets its problem document."""
        body = batch_body([query_of(each, **options) for each in asked])
        return Call("POST", "v1/search/batch", _results, body, self._of(collection))

    @Sent
    def suggestions(self, typed: str, limit: int = 8, collection: str | None = None) -> Call[SuggestionsOut]:
        """Suggest up to `limit` names, labels and other texts of items that have the letters typed so far."""
        parameters: dict[str, Parameter] = {"q": typed, "limit": limit}
        return Call(
            "GET", "v1/suggestions", SuggestionsOut.model_validate_json, None, parameters | self._of(collection)
        )

    @Sent
    def neighbours(
        self,
        item_id: str,
        segment_index: int | None = None,
        modalities: Sequence[Modality | str] | None = None,
        where: Sequence[str] | None = None,
        area: Sequence[tuple[float, float]] = (),
        limit: int | None = None,
        min_relevance: float | None = None,
        collection: str | None = None,
    ) -> Call[SearchOut]:
        """Find up to `limit` items of each modality that are most similar to an item, or to one segment of it."""
        parameters = {
            "segment": segment_index,
            "modalities": modalities,
            "where": where,
            "area": write_area(area) or None,
            "limit": limit,
            "min_relevance": min_relevance,
        }
        path = f"v1/items/{segment(item_id)}/neighbours"
        return Call("GET", path, SearchOut.model_validate_json, None, parameters | self._of(collection))

    @Sent
    def locate(
        self,
        asked: str | Path | ItemRef | UploadRef | Expression,
        source: Path | ItemRef | UploadRef,
        limit: int = 5,
        min_relevance: float = 0.0,
        collection: str | None = None,
    ) -> Call[LocateOut]:
        """Find the locations of a file, an item's file or an upload that match a query."""
        label = show_path(str(source))
        body = locate_body(query_of(asked).expression, source, limit, min_relevance, label)
        return Call("POST", "v1/locate", LocateOut.model_validate_json, body, self._of(collection))

    @Sent
    def embed(
        self,
        inputs: Sequence[str | Path | UploadRef],
        model: str,
        collection: str | None = None,
        input_type: Role | str = Role.QUERY,
    ) -> Call[list[list[float]]]:
        """Return the unit vector of each text and each file; `model` is that of the index, as `models` names it.

        `input_type` says whether the texts are queries or documents, which some models embed differently.
        """
        body = embeddings_body(inputs, model, Role(input_type))
        return Call("POST", "v1/embeddings", _vectors, body, self._of(collection))


def _results(answer: bytes) -> list[SearchOut | FailedOut]:
    return SearchBatchOut.model_validate_json(answer).results


def _vectors(answer: bytes) -> list[list[float]]:
    found = EmbeddingsOut.model_validate_json(answer).data
    return [each.embedding for each in found if isinstance(each.embedding, list)]
