"""Authorities: parse the `Host` and `Origin` headers of a request, and the names of `--allow-host`.

Python's `urlsplit` is too lenient for this: it accepts user names, drops control characters and raises ValueError.
"""

import re

from omnisearch.errors import SettingsError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NAME = r"\[(?P<v6>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)\.?"
_AUTHORITY = re.compile(rf"(?:{_NAME})(?::(?P<port>[0-9]{{1,5}}))?")
_ORIGIN = re.compile(r"https?://([^/?#@]+)")


def hostname(host: str) -> str | None:
    """Return the name in a `Host` header, in lower case, without port, brackets and final dot; None if malformed."""
    found = _AUTHORITY.fullmatch(host.lower())
    return None if found is None else found["v6"] or found["name"]


def same_origin(origin: str, host: str) -> bool:
    """Return whether an `Origin` header names the server that the `Host` header names, with the same port.

    The scheme may differ: a proxy in front of the server may end TLS.
    """
    found = _ORIGIN.fullmatch(origin.lower())
    return found is not None and hostname(found[1]) is not None and found[1] == host.lower()


def allowed_host(text: str) -> str:
    """Return a name that a user wrote for `--allow-host`, as `hostname` returns it.

    Raises:
        SettingsError: it is not a host name or an address, or it has a port.
    """
    written = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    name = hostname(written)
    if name is None or re.search(r":[0-9]+$", written):
        raise SettingsError(
            f"allow_host = {text!r} is not a host name: write a name or an address without scheme and port, "
            "such as search.example.org or 192.0.2.7"
        )
    return name
