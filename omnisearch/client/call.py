"""A request as data, and the methods of both clients that send it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload
from urllib.parse import quote

from omnisearch.client.bodies import RequestBody, UploadBody

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")

# None is left out.
Parameter: TypeAlias = str | int | float | Sequence[str] | None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request: where it goes, what it holds, and how the bytes of the answer are read."""

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
    """A client that waits for its answers."""

    def send(self, call: Call[T], /) -> T:
        """Send a request and return its answer."""
        ...

    def send_each(self, call: Call[ListPage[E]], /) -> Iterator[E]:
        """Ask for page after page."""
        ...


class Asynchronous(Protocol):
    """A client of asyncio."""

    def send(self, call: Call[T], /) -> Coroutine[Any, Any, T]:
        """Send a request and return its answer."""
        ...

    def send_each(self, call: Call[ListPage[E]], /) -> AsyncIterator[E]:
        """Ask for page after page."""
        ...


class Sent(Generic[P, T]):
    """A method that sends what a function describes: it returns the answer, and in `AsyncClient` a coroutine of it."""

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
    """A method that asks for page after page of a list and iterates over the entries."""

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
    """What every group of calls knows: the collection that is asked where a call names none."""

    def __init__(self, collection: str | None) -> None:
        self._collection = collection

    def _of(self, collection: str | None) -> dict[str, Parameter]:
        """Return the parameter that names the collection; without it the server's default one is asked."""
        return {"collection": collection if collection is not None else self._collection}


def nothing(_: bytes) -> None:
    """Read an empty answer."""


def segment(text: str) -> str:
    """Write an id or a name as one segment of a path."""
    return quote(text, safe="")


def once(idempotency_key: str | None) -> dict[str, str]:
    """Return the header with which a repeated request creates nothing."""
    return {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
