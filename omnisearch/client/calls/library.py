"""The library: roots, folders, and the files that could not be indexed."""

from omnisearch.client.call import Asking, Call, ListPage, Parameter, Sent, SentEach
from omnisearch.schema.job import FileErrorOut
from omnisearch.schema.library import FailuresOut, FoldersOut, RootsOut, StorageOut

PAGE = 200  # files of one request


class LibraryCalls(Asking):
    """Calls about the files behind an index."""

    @Sent
    def roots(self, collection: str | None = None) -> Call[RootsOut]:
        """List the configured roots, which index jobs may read, and the other paths that were indexed."""
        return Call("GET", "v1/roots", RootsOut.model_validate_json, None, self._of(collection))

    @Sent
    def folders(self, number: int, path: str = "") -> Call[FoldersOut]:
        """List the folders in the folder `path` below a configured root, which `roots` numbers."""
        return Call("GET", f"v1/roots/{number}/folders", FoldersOut.model_validate_json, None, {"path": path})

    @Sent
    def storage(self, collection: str | None = None) -> Call[StorageOut]:
        """Return the disk space that a collection takes up, and what all collections share."""
        return Call("GET", "v1/storage", StorageOut.model_validate_json, None, self._of(collection))

    @SentEach
    def failures(
        self, reason: str | None = None, cursor: str | None = None, collection: str | None = None
    ) -> Call[ListPage[FileErrorOut]]:
        """Iterate over the files that could not be indexed, by path, for a reason or for any."""
        chosen: dict[str, Parameter] = {"reason": reason, "limit": PAGE, "cursor": cursor}
        return Call("GET", "v1/failures", _failures, None, chosen | self._of(collection))


def _failures(answer: bytes) -> ListPage[FileErrorOut]:
    found = FailuresOut.model_validate_json(answer)
    return ListPage(found.failures, found.next_cursor)
