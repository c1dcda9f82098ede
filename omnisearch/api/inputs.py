"""The inputs of /v1/embeddings: texts, and media in the content parts of OpenAI's chat API.

"a dog"
{"type": "text", "text": "a dog"}
{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}
{"type": "input_audio", "input_audio": {"data": "...", "format": "wav"}}
{"type": "video_url", "video_url": {"url": "data:video/mp4;base64,..."}}
{"type": "file", "file": {"file_data": "data:;base64,...", "filename": "chair.glb"}}     any media, also 3D
{"type": "file", "file": {"file_id": "part1"}}                                            a part of the request
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from omnisearch.api.expressions import Body, Strict, Upload, UploadId
from omnisearch.api.request_files import placed
from omnisearch.api.safe_strings import SafeStr, no_surrogates, not_blank
from omnisearch.errors import QueryError
from omnisearch.query.expressions import Term
from omnisearch.types import Role

MAX_INPUTS, MAX_MEDIA = 2048, 64
MAX_TEXT, MAX_CHARACTERS = 32_768, 1 << 20  # of one text, and of all texts together
# Parts that pydantic adds to the location of an error, and that are not in the JSON.
TAGS = frozenset({"<string>", "<part>"})
TOKENS = (
    "holds token ids, which mean different words to each model: send texts "
    "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))"
)
_DATA_URL = re.compile(r"data:[^,]{0,255};base64,", re.IGNORECASE)


def _data_url(url: str) -> str:
    """Check the head of a data URL, and return its base64."""
    head = _DATA_URL.match(url)
    if head is None:
        raise ValueError("is no data URL, and no other URL is fetched: send data:image/png;base64,...")
    return url[head.end() :]


def _listed(given: object) -> object:
    """Put a single input into a list; refuse tokens."""
    if not isinstance(given, list):
        return [given]
    if any(isinstance(each, int | list) for each in given):
        raise ValueError(TOKENS)
    return given


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(no_surrogates), AfterValidator(not_blank)]
DataUrl = Annotated[str, AfterValidator(_data_url)]


class UrlIn(Strict):
    """A file as a data URL. `detail` is OpenAI's, and ignored."""

    url: DataUrl
    detail: SafeStr | None = None


class SoundIn(Strict):
    """A sound in base64, and the extension of its format."""

    data: str
    format: SafeStr


class FileIn(Strict):
    """A file as a data URL, the multipart part `file_id`, or the upload `upload_id`.

    The extension of `filename` tells apart formats with similar content.
    """

    file_data: DataUrl | None = None
    file_id: SafeStr | None = None
    upload_id: UploadId | None = None
    filename: SafeStr | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "FileIn":
        if sum(source is not None for source in (self.file_data, self.file_id, self.upload_id)) != 1:
            raise ValueError("a file is exactly one of file_data, file_id and upload_id")
        return self


class PartIn(Strict):
    """A content part: its type, and the field that is named like it."""

    type: Literal["text", "image_url", "input_audio", "video_url", "file"]
    text: Text | None = None
    image_url: UrlIn | None = None
    input_audio: SoundIn | None = None
    video_url: UrlIn | None = None
    file: FileIn | None = None

    @model_validator(mode="after")
    def _one_field(self) -> "PartIn":
        named = {name for name in type(self).model_fields if name != "type" and getattr(self, name) is not None}
        if named != {self.type}:
            raise ValueError(f"a part of the type {self.type} has the field {self.type} and no other")
        return self

    @property
    def content(self) -> tuple[str, str]:
        """The base64 of its file, and a name with the extension of its format."""
        if self.input_audio is not None:
            return self.input_audio.data, f"sound.{self.input_audio.format}"
        if self.file is not None:
            return self.file.file_data or "", self.file.filename or ""
        url = self.image_url or self.video_url
        return url.url if url else "", ""


def _kind(given: object) -> str:
    return "<string>" if isinstance(given, str) else "<part>"


InputIn = Annotated[Annotated[Text, Tag("<string>")] | Annotated[PartIn, Tag("<part>")], Discriminator(_kind)]


def _one_or_more(schema: dict[str, Any]) -> None:
    """Describe that a single input needs no list."""
    several = {key: schema.pop(key) for key in ("type", "items", "minItems", "maxItems")}
    schema["anyOf"] = [several["items"], several]


class EmbeddingsIn(Body):
    """The body of POST /v1/embeddings, or its multipart field `query`. `user` is OpenAI's, and ignored.

    `input_type` is the role of the texts: `query` for what is asked, `document` for what is searched. Files are always
    embedded as documents.
    """

    max_json: ClassVar[int] = 64 << 20

    input: Annotated[
        list[InputIn],
        BeforeValidator(_listed),
        Field(min_length=1, max_length=MAX_INPUTS, json_schema_extra=_one_or_more),
    ]
    model: SafeStr
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    input_type: Role = Role.QUERY
    user: SafeStr | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "EmbeddingsIn":
        if (media := sum(1 for each in self.input if _is_media(each))) > MAX_MEDIA:
            raise ValueError(f"has {media} media, at most {MAX_MEDIA} are allowed")
        if (length := sum(len(each) for each in self.input if isinstance(each, str))) > MAX_CHARACTERS:
            raise ValueError(f"has texts of {length:,} characters, at most {MAX_CHARACTERS:,} are allowed")
        return self

    @property
    def reads_files(self) -> bool:
        """True if a file must be decoded."""
        return any(map(_is_media, self.input))

    @property
    def files(self) -> set[str]:
        """The parts of the request that it names."""
        files = [each.file for each in self.input if isinstance(each, PartIn) and each.file]
        return {file.file_id for file in files if file.file_id is not None}

    @property
    def upload_ids(self) -> set[str]:
        """The kept uploads that it names."""
        files = [each.file for each in self.input if isinstance(each, PartIn) and each.file]
        return {file.upload_id for file in files if file.upload_id is not None}

    def terms(self, uploads: Mapping[str, Upload], folder: Path) -> list[Term]:
        """Return the inputs as terms; files that are part of the JSON are written to `folder`.

        Raises:
            QueryError: a file is not valid base64.
        """
        return [_term(each, n, uploads, folder) for n, each in enumerate(self.input)]


def _is_media(given: str | PartIn) -> bool:
    return isinstance(given, PartIn) and given.text is None


def _term(given: str | PartIn, n: int, uploads: Mapping[str, Upload], folder: Path) -> Term:
    if isinstance(given, str):
        return Term(given)
    if given.text is not None:
        return Term(given.text)
    if given.file is not None and (key := given.file.file_id or given.file.upload_id) is not None:
        upload = uploads[key]
        return Term(upload.path, label=upload.label)
    encoded, name = given.content
    upload = placed(folder / str(n), name)
    try:
        upload.path.write_bytes(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        raise QueryError(f"input {n} is no base64: encode the bytes of the file, without line ends") from None
    return Term(upload.path, label=f"input {n}" if not name else upload.label)
