"""Convert errors of a server to the exceptions that the library raises for the same reasons."""

from collections.abc import Iterator, Mapping
from typing import Any

from omnisearch.errors import MediaError, OmnisearchError, Reason, ServerError, UsageError

INVALID = "invalid_request"
TOO_LARGE = 413  # Reason.TOO_LARGE has the same code


def error_of(status: int, problem: Mapping[str, Any]) -> OmnisearchError:
    """Return the exception of a problem document: the class that has its code, with the same message."""
    code, detail = str(problem.get("code", "")), str(problem.get("detail") or f"the server answered {status}")
    if code == INVALID:
        return UsageError(detail)
    if status != TOO_LARGE and code in set(Reason):
        return _media_error(Reason(code), detail)
    found = {kind.code: kind for kind in _kinds(OmnisearchError) if kind not in (MediaError, ServerError)}
    return found[code](detail) if code in found else ServerError(detail, status, code or ServerError.code)


def _media_error(reason: Reason, message: str) -> MediaError:
    """Return a MediaError with this message. The constructor adds the texts of the reason, so these are cut off."""
    detail = message.removeprefix(f"{reason}: {reason.what}").removesuffix(f"; {reason.remedy}")
    return MediaError(reason, detail.strip().removeprefix("(").removesuffix(")"))


def _kinds(kind: type[OmnisearchError]) -> Iterator[type[OmnisearchError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
