"""Uploads: files that a server keeps for queries."""

from pathlib import Path

from omnisearch.client.call import Asking, Call, Sent, nothing, once, segment
from omnisearch.client.query_json import UploadBody
from omnisearch.schema.upload import UploadOut

PATH = "v1/uploads"


class UploadCalls(Asking):
    """Calls about uploads. `UploadRef(id)` stands for one in a query."""

    @Sent
    def create_upload(
        self, content: Path | bytes, name: str | None = None, idempotency_key: str | None = None
    ) -> Call[UploadOut]:
        """Send a file, or the bytes of one, for many queries.

        The extension of `name`, such as `.obj`, tells apart formats with similar content. By default it is the name of
        the file.
        """
        if name is None and isinstance(content, Path):
            name = content.name
        body = UploadBody(content, name or "file")  # a part without a name would be a field
        return Call("POST", PATH, UploadOut.model_validate_json, body, headers=once(idempotency_key))

    @Sent
    def upload(self, upload_id: str) -> Call[UploadOut]:
        """Return an upload."""
        return Call("GET", f"{PATH}/{segment(upload_id)}", UploadOut.model_validate_json)

    @Sent
    def delete_upload(self, upload_id: str) -> Call[None]:
        """Delete an upload."""
        return Call("DELETE", f"{PATH}/{segment(upload_id)}", nothing)
