"""Items: their facts, files and renditions."""

from collections.abc import Sequence
from typing import Literal

from omnisearch.client.call import Asking, Call, ListPage, Parameter, Sent, SentEach, nothing, segment
from omnisearch.query.area import write_area
from omnisearch.schema.item import CopiesOut, ItemEntry, ItemOut, ItemsOut
from omnisearch.schema.job import JobOut
from omnisearch.schema.peaks import PeaksOut
from omnisearch.schema.text import PassageOut, TextOut
from omnisearch.types import Modality

PAGE = 200  # items, or passages, of one request


class ItemCalls(Asking):
    """Calls about the items of a collection."""

    @SentEach
    def items(
        self,
        modalities: Sequence[Modality | str] | None = None,
        where: Sequence[str] | None = None,
        area: Sequence[tuple[float, float]] = (),
        order: Literal["id", "added", "-added", "taken", "-taken", "mtime", "-mtime", "size", "-size", "sample"] = "id",
        seed: int | None = None,
        cursor: str | None = None,
        collection: str | None = None,
    ) -> Call[ListPage[ItemEntry]]:
        """Iterate over the items, which are requested in pages; `cursor` is `next_cursor` of a page.

        `seed` selects the order `sample`.
        """
        chosen: dict[str, Parameter] = {"modalities": modalities, "where": where, "area": write_area(area) or None}
        chosen |= {"order": order, "seed": seed, "limit": PAGE, "cursor": cursor}
        return Call("GET", "v1/items", _page, None, chosen | self._of(collection))

    @Sent
    def item(self, item_id: str, collection: str | None = None) -> Call[ItemOut]:
        """Return an item and its segments."""
        return Call("GET", _path(item_id), ItemOut.model_validate_json, None, self._of(collection))

    @SentEach
    def text(
        self, item_id: str, cursor: str | None = None, collection: str | None = None
    ) -> Call[ListPage[PassageOut]]:
        """Iterate over the passages of a text in order; neighbours overlap."""
        chosen: dict[str, Parameter] = {"limit": PAGE, "cursor": cursor}
        return Call("GET", _path(item_id, "/text"), _passages, None, chosen | self._of(collection))

    @Sent
    def delete_item(self, item_id: str, collection: str | None = None) -> Call[JobOut]:
        """Queue a job that removes an item from the index; no file is deleted."""
        return Call("DELETE", _path(item_id), JobOut.model_validate_json, None, self._of(collection))

    @Sent
    def reveal(self, item_id: str, collection: str | None = None) -> Call[None]:
        """Show the folder of an item on the server's own machine, if the request comes from there."""
        return Call("POST", _path(item_id, "/reveal"), nothing, None, self._of(collection))

    @Sent
    def content(self, item_id: str, collection: str | None = None) -> Call[bytes]:
        """Return the file of an item; `download` writes a large one to disk."""
        return Call("GET", _path(item_id, "/content"), bytes, None, self._of(collection))

    @Sent
    def preview(
        self, item_id: str, size: Literal["small", "large"] = "small", collection: str | None = None
    ) -> Call[bytes]:
        """Return a WebP picture of an item, at most 320 pixels long, or 1280."""
        parameters: dict[str, Parameter] = {"size": size}
        return Call("GET", _path(item_id, "/preview"), bytes, None, parameters | self._of(collection))

    @Sent
    def frame(self, item_id: str, at: float, collection: str | None = None) -> Call[bytes]:
        """Return a WebP picture of a film at a second, at most 320 pixels long."""
        parameters: dict[str, Parameter] = {"at": at}
        return Call("GET", _path(item_id, "/frame"), bytes, None, parameters | self._of(collection))

    @Sent
    def page(self, item_id: str, number: int, collection: str | None = None) -> Call[bytes]:
        """Return a WebP picture of a page of a PDF, counted from 1, at most 1280 pixels long."""
        parameters: dict[str, Parameter] = {"number": number}
        return Call("GET", _path(item_id, "/page"), bytes, None, parameters | self._of(collection))

    @Sent
    def copies(self, item_id: str, collection: str | None = None) -> Call[CopiesOut]:
        """Return the paths of the files with the content of an item."""
        return Call("GET", _path(item_id, "/copies"), CopiesOut.model_validate_json, None, self._of(collection))

    @Sent
    def glb(self, item_id: str, collection: str | None = None) -> Call[bytes]:
        """Return a 3D model as an uncompressed GLB file."""
        return Call("GET", _path(item_id, "/model.glb"), bytes, None, self._of(collection))

    @Sent
    def peaks(self, item_id: str, collection: str | None = None) -> Call[PeaksOut]:
        """Return the waveform of a sound, or of the sound track of a film."""
        return Call("GET", _path(item_id, "/peaks"), PeaksOut.model_validate_json, None, self._of(collection))


def _path(item_id: str, below: str = "") -> str:
    return f"v1/items/{segment(item_id)}{below}"


def _page(answer: bytes) -> ListPage[ItemEntry]:
    found = ItemsOut.model_validate_json(answer)
    return ListPage(found.items, found.next_cursor)


def _passages(answer: bytes) -> ListPage[PassageOut]:
    found = TextOut.model_validate_json(answer)
    return ListPage(found.passages, found.next_cursor)
