"""Every exception that omnisearch raises, drawn as a tree.

    OmnisearchError
    ├── UsageError            the request is wrong (exit 2, HTTP 422)
    │   ├── SettingsError     a setting has no meaning
    │   ├── LicenceError      a model's weights are not for the use that is set
    │   └── QueryError        a query cannot be read or cancels itself out
    ├── NotReadyError         something must be done first (exit 4, HTTP 503)
    │   ├── NoIndexError      nothing was indexed here yet
    │   ├── ModelMissingError weights or a model are not on this machine
    │   ├── FingerprintError  the index was made by another model (HTTP 409)
    │   └── BusyError         another process holds what is needed
    ├── MediaError            one file cannot be read; carries a reason from the closed list `Reason`
    ├── WeightsError          a weight file is not what its spec says
    ├── CheckpointError       a bound model's files do not fit together
    ├── StoreError            the vector store refused or failed
    │   ├── DamageError       what is kept on the disk is damaged
    │   └── VectorError       a vector is not finite, has no length or has the wrong width
    └── NotFoundError         no such item (HTTP 404)

The library raises these; the CLI turns them into exit codes and the API into problem+json.
"""

from enum import StrEnum

# Exit codes that are no error's own.
SOME_FAILED = 3
INTERRUPTED = 130


class Reason(StrEnum):
    """Why a file was not indexed: the closed list that reports, CLI and API share."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_REGULAR = "not_regular"
    VANISHED = "vanished"
    CHANGING = "changing"
    PERMISSION = "permission"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    DEGENERATE_ASPECT = "degenerate_aspect"
    BAD_SAMPLE_RATE = "bad_sample_rate"
    BAD_CHANNELS = "bad_channels"
    TOO_SHORT = "too_short"
    NO_AUDIO_STREAM = "no_audio_stream"
    NO_VIDEO_STREAM = "no_video_stream"
    NO_FRAMES = "no_frames"
    NO_VERTICES = "no_vertices"
    TOO_MANY_VERTICES = "too_many_vertices"
    DEGENERATE_EXTENT = "degenerate_extent"
    NON_FINITE = "non_finite"
    OBJECT_DTYPE = "object_dtype"
    BAD_SHAPE = "bad_shape"
    UNDECODABLE_TEXT = "undecodable_text"
    EMPTY_TEXT = "empty_text"
    DECODE_ERROR = "decode_error"
    DECODER_CRASHED = "decoder_crashed"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OOM = "oom"
    LINK_LOOP = "link_loop"
    BAD_SLICE = "bad_slice"


class OmnisearchError(Exception):
    """The root. `exit_code` is what the CLI returns for it, `status` what the API answers."""

    exit_code = 1
    status = 500


class UsageError(OmnisearchError):
    """The request itself is wrong."""

    exit_code = 2
    status = 422


class SettingsError(UsageError):
    """A setting has a value without a meaning."""


class LicenceError(UsageError):
    """The weights of a model may not be used as the settings say they are."""


class QueryError(UsageError):
    """A query cannot be read, or its terms cancel out."""


class NotReadyError(OmnisearchError):
    """Something must be done before this can work; the message names the command."""

    exit_code = 4
    status = 503


class NoIndexError(NotReadyError):
    """Nothing was indexed under this data directory or alias."""


class ModelMissingError(NotReadyError):
    """Weights or a bound model are not on this machine."""


class FingerprintError(NotReadyError):
    """The index was made by another model or another way of decoding."""

    status = 409


class BusyError(NotReadyError):
    """Another process holds a resource that allows one owner."""


class MediaError(OmnisearchError):
    """One file cannot be turned into content.

    `reason` is the stable code; `detail` names the value that was refused.
    """

    status = 422

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail

    def about(self, name: object) -> "MediaError":
        """Return the same error with what it is about, where that has a name, before the detail."""
        return MediaError(self.reason, ": ".join(filter(None, (str(name), self.detail))))


class WeightsError(OmnisearchError):
    """A weight file is missing from every source, or its content is not what the spec says."""


class CheckpointError(OmnisearchError):
    """A bound model's configuration and tensors do not fit together."""


class StoreError(OmnisearchError):
    """The vector store refused a request or failed."""

    status = 503


class DamageError(StoreError):
    """What is kept on the disk is damaged; the message names the command that makes it right."""


class VectorError(StoreError):
    """A vector is not finite, has no length, or is not as wide as the collection."""

    status = 422


class NotFoundError(OmnisearchError):
    """No such item in the index."""

    status = 404
