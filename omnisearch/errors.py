"""Every exception that omnisearch raises, drawn as a tree.

    OmnisearchError
    ├── UsageError            the request is wrong (exit 2, HTTP 422)
    │   ├── SettingsError     a setting has no meaning
    │   ├── LicenceError      a model's weights are not for the use that is set
    │   ├── QueryError        a query cannot be read or cancels itself out
    │   ├── FetchError        a file of a query cannot be fetched by its URL
    │   ├── RootError         a path lies in no folder that the API may index (HTTP 403)
    │   └── ConflictError     the state of a thing does not allow it (HTTP 409)
    ├── NotReadyError         something must be done first (exit 4, HTTP 503)
    │   ├── NoIndexError      nothing was indexed here yet
    │   ├── ModelMissingError weights or a model are not on this machine
    │   ├── FingerprintError  the index was made by another model (HTTP 409)
    │   ├── BusyError         another process holds what is needed
    │   ├── ClusterError      no cluster answers, or it has no decoder or encoder left
    │   └── StoppedError      the caller stopped a question before it was answered
    ├── MediaError            one file cannot be read; carries a reason from the closed list `Reason`
    ├── WeightsError          a weight file is not what its spec says
    ├── CheckpointError       a bound model's files do not fit together
    ├── StoreError            the vector store refused or failed
    │   ├── DamageError       stored data are damaged
    │   ├── DiskFullError     a disk of the server is full (HTTP 507)
    │   └── VectorError       a vector is not finite, has no length or has the wrong width
    ├── NotFoundError         no such item (HTTP 404)
    │   ├── CollectionNotFoundError  no such collection
    │   ├── NoTextError       the item is no text
    │   └── ReplicaError      only the main server of an index has what a request needs
    ├── ServerError           a server refused a request or failed, with a code that no other class has
    └── WireError             a message between two of our processes is malformed, or one of them ended (wire.py)
        └── WireTimeoutError  a process did not answer in time

The library raises these; the CLI turns them into exit codes and the API into problem+json.
"""

from enum import StrEnum

# Exit codes that are no error's own.
FAILED = 1
SOME_FAILED = 3
INTERRUPTED = 130


class Reason(StrEnum):
    """The reason why a file was not indexed: a closed list that reports, CLI and API share.

    Each member has a message of two parts for users: `what` is wrong, and the `remedy`.
    """

    what: str
    remedy: str

    def __new__(cls, code: str, what: str = "", remedy: str = "") -> "Reason":
        """Make a member whose value is its stable code."""
        member = str.__new__(cls, code)
        member._value_, member.what, member.remedy = code, what, remedy
        return member

    EMPTY = "empty", "the file has no bytes", "copy it again from its source, or delete it"
    TOO_LARGE = "too_large", "the file is larger than its kind may be", "split it or make a smaller copy"
    NOT_REGULAR = "not_regular", "this is not a regular file", "index the file that it stands for"
    VANISHED = "vanished", "the file was deleted while it was read", "no action is needed: the next run looks again"
    CHANGING = "changing", "another program was writing the file", "run `omnisearch index PATH` again when it is done"
    PERMISSION = "permission", "the file may not be read", "give this user the right to read it"
    UNREADABLE = "unreadable", "the system failed to read the file", "check its disk and the length of its path"
    NOT_COPIED = "not_copied", "the object could not be copied from its store", "correct that, or leave the object out"
    UNSUPPORTED_FORMAT = "unsupported_format", "this format is not read", "convert it to a format of docs/media.md"
    DAMAGED = "damaged", "the file is damaged or incomplete", "copy it again from its source"
    NEEDS_PASSWORD = "needs_password", "the file is encrypted", "save a copy without a password"
    TOO_MANY_PIXELS = "too_many_pixels", "the picture is larger than the limit", "save a smaller copy"
    DEGENERATE_ASPECT = "degenerate_aspect", "the picture is too narrow to show anything", "crop or pad it"
    BAD_SAMPLE_RATE = "bad_sample_rate", "no recording has this sample rate", "resample it to 48,000 Hz"
    BAD_CHANNELS = "bad_channels", "the sound has too many channels, or none", "mix it down to 8 channels or fewer"
    TOO_SHORT = "too_short", "the sound is too short to hear anything", "leave it out, or record it again"
    NO_AUDIO_STREAM = "no_audio_stream", "the file holds no sound", "leave it out, or export it with its sound"
    NO_VIDEO_STREAM = "no_video_stream", "the file holds no moving picture", "leave it out, or export it with pictures"
    NO_FRAMES = "no_frames", "no picture of the film could be decoded", "export the film again"
    NO_VERTICES = "no_vertices", "the 3D file holds no shape, or almost none", "export it again with its meshes"
    TOO_MANY_VERTICES = "too_many_vertices", "the 3D file is larger than the limit", "reduce the mesh"
    DEGENERATE_EXTENT = "degenerate_extent", "all points of the 3D file coincide", "export it again"
    NON_FINITE = "non_finite", "the file holds numbers that are not finite", "export it again"
    OBJECT_DTYPE = "object_dtype", "the array holds Python objects, which are never read", "save it as numbers"
    BAD_SHAPE = "bad_shape", "the array is not a list of points", "save it as numbers of shape (n, 3) or (n, 6)"
    UNDECODABLE_TEXT = "undecodable_text", "the encoding of the text is not known", "save it as UTF-8"
    EMPTY_TEXT = "empty_text", "the file holds no words", "leave it out: there is nothing to find in it"
    DECODE_ERROR = "decode_error", "the file could not be decoded", "open it in another program and export it again"
    DECODER_CRASHED = "decoder_crashed", "the process that decoded the file ended", "run `omnisearch index PATH` again"
    TIMEOUT = "timeout", "decoding took longer than the limit", "make a smaller copy, or index on a faster machine"
    MEMORY_LIMIT = "memory_limit", "decoding needs more memory than a decoder may use", "make a smaller copy"
    OOM = "oom", "encoding needs more memory than there is", "close other programs, or index on a larger machine"
    LINK_LOOP = "link_loop", "the link leads back to itself", "delete the link"
    BAD_SLICE = "bad_slice", "the file has no such part", "name a part that it has"


def reason_message(reason: Reason, detail: str = "") -> str:
    """The message to a user: the code, what is wrong with which value, and what to do."""
    return f"{reason}: {reason.what}{f' ({detail})' if detail else ''}; {reason.remedy}"


class OmnisearchError(Exception):
    """The root. `exit_code` is what the CLI returns for it, `status` and `code` are what the API answers.

    `code` is for programs and never changes, whatever the class is called.
    """

    exit_code = 1
    status = 500
    code = "omnisearch"


class UsageError(OmnisearchError):
    """The request itself is wrong."""

    code = "usage"
    exit_code = 2
    status = 422


class SettingsError(UsageError):
    """A setting has a value without a meaning."""

    code = "settings"


class LicenceError(UsageError):
    """The weights of a model may not be used as the settings say they are."""

    code = "licence"


class QueryError(UsageError):
    """A query cannot be read, or its terms cancel out."""

    code = "query"


class FetchError(UsageError):
    """A file of a query cannot be fetched by its URL, or the server does not allow it."""

    code = "fetch"


class RootError(UsageError):
    """A path lies in no folder that jobs may index."""

    code = "outside_roots"
    status = 403


class ConflictError(UsageError):
    """The thing that the request names is in a state, or exists already, so that this cannot be done."""

    code = "conflict"
    status = 409


class NotReadyError(OmnisearchError):
    """Something must be done before this can work; the message names the command."""

    code = "not_ready"
    exit_code = 4
    status = 503


class NoIndexError(NotReadyError):
    """Nothing was indexed under this data directory or alias."""

    code = "no_index"


class ModelMissingError(NotReadyError):
    """Weights or a bound model are not on this machine."""

    code = "model_missing"


class FingerprintError(NotReadyError):
    """The index was made by another model or another way of decoding."""

    code = "fingerprint"
    status = 409


class BusyError(NotReadyError):
    """Another process holds a resource that allows one owner."""

    code = "busy"


class ClusterError(NotReadyError):
    """No cluster answers at an address, or a cluster has no decoder or no encoder left."""

    code = "cluster"


class StoppedError(NotReadyError):
    """The caller stopped a question before it was answered."""

    code = "stopped"


class MediaError(OmnisearchError):
    """One file cannot be turned into content.

    `reason` is its code; `detail` names the value that was refused.
    """

    code = "media"
    status = 422

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason_message(reason, detail))
        self.reason = reason
        self.code = str(reason)
        self.detail = detail

    def about(self, name: object) -> "MediaError":
        """Return the same error with what it is about, where that has a name, before the detail."""
        return MediaError(self.reason, ": ".join(filter(None, (str(name), self.detail))))


class WeightsError(OmnisearchError):
    """A weight file is missing from every source, or its content is not what the spec says."""

    code = "weights"


class CheckpointError(OmnisearchError):
    """A bound model's configuration and tensors do not fit together."""

    code = "checkpoint"


class StoreError(OmnisearchError):
    """The vector store refused a request or failed."""

    code = "store"
    status = 503


class DamageError(StoreError):
    """Stored data are damaged; the message names the command that repairs them."""

    code = "damage"


class DiskFullError(StoreError):
    """A disk that holds data of omnisearch is full."""

    code = "disk_full"
    status = 507


class VectorError(StoreError):
    """A vector is not finite, has no length, or is not as wide as the collection."""

    code = "vector"
    status = 422


class NotFoundError(OmnisearchError):
    """No such item in the index."""

    code = "not_found"
    status = 404


class CollectionNotFoundError(NotFoundError):
    """No such collection in the data directory."""

    code = "collection_not_found"


class NoTextError(NotFoundError):
    """The item has no text."""

    code = "no_text"


class ReplicaError(NotFoundError):
    """A replica has no jobs, uploads or manifest. It is a 404, with which balancers try the next server."""

    code = "replica"

    def __init__(self, message: str = "this server is a replica: send the request to the main server") -> None:
        super().__init__(message)


class ServerError(OmnisearchError):
    """A server refused a request or failed. `status` is that of HTTP, and `code` is that of its problem document."""

    code = "server"

    def __init__(self, message: str, status: int = 500, code: str = "server") -> None:
        super().__init__(message)
        self.status, self.code = status, code
