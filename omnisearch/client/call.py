"""A request as data, and the methods of both clients that send it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload
from urllib.parse import quote

from omnisearch.client.query_json import RequestBody, UploadBody

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")

# None is left out.
Parameter: TypeAlias = str | int | float | Sequence[str] | None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request: its method and path, its content, and a function that parses the answer."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    read: Callable[[bytes], T]
    body: RequestBody | UploadBody | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListPage(Generic[E]):
    """Some entries of a list, and the cursor of the next page; None after the last one."""

    entries: Sequence[E]
    next_cursor: str | None


class Blocking(Protocol):
    """A blocking client."""

    def send(self, call: Call[T], /) -> T:
        """Send a request and return its answer."""
        ...

    def send_each(self, call: Call[ListPage[E]], /) -> Iterator[E]:
        """Request one page after the other, and iterate over the entries."""
        ...


class Asynchronous(Protocol):
    """A client for asyncio."""

    def send(self, call: Call[T], /) -> Coroutine[Any, Any, T]:
        """Send a request and return its answer."""
        ...

    def send_each(self, call: Call[ListPage[E]], /) -> AsyncIterator[E]:
        """Request one page after the other, and iterate over the entries."""
        ...


class Sent(Generic[P, T]):
    """A method that sends the call that a function describes. It returns the answer; in `AsyncClient`, a coroutine."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> "Sent[P, T]": ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Asynchronous, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self if client is None else _bound(self.describe, client, client.send)


class SentEach(Generic[P, E]):
    """A method that requests one page of a list after the other, and iterates over the entries."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[ListPage[E]]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> "SentEach[P, E]": ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, Iterator[E]]: ...
    @overload
    def __get__(self, client: Asynchronous, owner: type) -> Callable[P, AsyncIterator[E]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self if client is None else _bound(self.describe, client, client.send_each)


def _bound(describe: Callable[..., Any], client: object, send: Callable[[Any], Any]) -> Callable[..., Any]:
    @wraps(describe)
    def method(*arguments: Any, **named: Any) -> Any:
        return send(describe(client, *arguments, **named))

    return method


class Asking:
    """The base of all groups of calls: it has the collection of calls that name none."""

    def __init__(self, collection: str | None) -> None:
        self._collection = collection

    def _of(self, collection: str | None) -> dict[str, Parameter]:
        """Return the parameter that names the collection; empty for the server's default one."""
        return {"collection": collection if collection is not None else self._collection}


def nothing(_: bytes) -> None:
    """Read an empty answer."""


def segment(text: str) -> str:
    """Write an id or a name as one segment of a path."""
    return quote(text, safe="")


def once(idempotency_key: str | None) -> dict[str, str]:
    """Return the header with which repeated requests create only one thing."""
    return {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
