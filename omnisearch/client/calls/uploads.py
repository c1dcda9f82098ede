"""Uploads: files that a server keeps for queries."""

from pathlib import Path
from typing import Literal

from omnisearch.client.call import Asking, Call, Parameter, Sent, nothing, once, segment
from omnisearch.client.query_json import UploadBody
from omnisearch.schema.peaks import PeaksOut
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
    def upload_preview(
        self, upload_id: str, size: Literal["small", "large"] = "small", collection: str | None = None
    ) -> Call[bytes]:
        """Return a WebP picture of an upload, at most 320 pixels long, or 1280."""
        parameters: dict[str, Parameter] = {"size": size}
        return Call("GET", f"{PATH}/{segment(upload_id)}/preview", bytes, None, parameters | self._of(collection))

    @Sent
    def upload_peaks(self, upload_id: str, collection: str | None = None) -> Call[PeaksOut]:
        """Return the waveform of an uploaded sound, or of the sound track of a film."""
        read = PeaksOut.model_validate_json
        return Call("GET", f"{PATH}/{segment(upload_id)}/peaks", read, None, self._of(collection))

    @Sent
    def delete_upload(self, upload_id: str) -> Call[None]:
        """Delete an upload."""
        return Call("DELETE", f"{PATH}/{segment(upload_id)}", nothing)
