"""Send requests of the command line to a running server, if there is one, because it has already loaded the model."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from omnisearch.client.light import post
from omnisearch.client.problems import error_of
from omnisearch.client.query_json import batch_body, search_body
from omnisearch.client.running import Server, find_server
from omnisearch.config import Settings, load_settings, read_secret
from omnisearch.errors import OmnisearchError, UsageError
from omnisearch.query.query import Query

MAX_BATCH = 64  # queries of one request
T = TypeVar("T")


def load_asking_settings(server: str | None, **flags: Any) -> Settings:
    """Load the settings of a command that uses a server or an index.

    A flag for a local index overrides the server of the environment and the settings files. `collection` is not
    such a flag, because servers have collections too.

    Raises:
        UsageError: both are given as flags.
    """
    local = [name for name, value in flags.items() if value is not None and name != "collection"]
    if server is not None and local:
        flag = f"--{local[0].replace('_', '-')}"
        raise UsageError(f"--server uses a server, but {flag} is for a local index: leave one of them out")
    settings = load_settings(server=server, **flags)
    return settings.model_copy(update={"server": None}) if local else settings


def ask(settings: Settings, use_server: bool, question: Callable[[Server], T], otherwise: Callable[[], T]) -> T:
    """Call `question` with the server of the settings, else with the running server of their data directory, else call
    `otherwise`.

    If the running server fails or refuses, `otherwise` is called, which has no bounds on a query.

    Raises:
        OmnisearchError: the server of the settings refuses, or `otherwise` raises it.
    """
    if not use_server:
        return otherwise()
    if settings.server is not None:
        return question(Server(settings.server, read_secret(settings, "api_key"), settings.named_collection))
    if (running := find_server(settings)) is not None:
        with suppress(OmnisearchError, OSError):
            return question(running)
    return otherwise()


def search_served(server: Server, queries: Sequence[Query]) -> list[dict[str, Any]]:
    """Return the answers of a server to queries, as JSON objects.

    Raises:
        OmnisearchError: a query is wrong, or the server refuses.
    """
    if len(queries) == 1:
        return [_printable(post(server, "v1/search", search_body(queries[0])))]
    remaining = iter(queries)
    return [answer for some in iter(lambda: list(islice(remaining, MAX_BATCH)), []) for answer in _batch(server, some)]


def _batch(server: Server, queries: Sequence[Query]) -> Iterator[dict[str, Any]]:
    for answer in post(server, "v1/search/batch", batch_body(queries))["results"]:
        if "error" in answer:
            raise error_of(answer["error"]["status"], answer["error"])
        yield _printable(answer)


def _printable(answer: dict[str, Any]) -> dict[str, Any]:
    """Remove the fields of hits that only pages show, so that the output is the same without a server."""
    for hit in answer["hits"]:
        for name in ("placeholder", "aspect"):
            hit.pop(name, None)
    return answer
