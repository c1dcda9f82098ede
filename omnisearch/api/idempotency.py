"""`Idempotency-Key`: a request that creates something and is sent again gets the answer of the first one.

The answers are kept for a day in SQLite, so that a client may also repeat a request to a server that was restarted.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from omnisearch.api.keys import Key
from omnisearch.api.lazy_store import LazyStore
from omnisearch.config import Settings
from omnisearch.errors import ConflictError, QueryError
from omnisearch.jobs.database import Database

ANSWERS_FILE = "answers.sqlite"
KEPT_SECONDS = 86_400.0
MAX_ANSWERS = 100_000
THREADS, WAITING = 2, 64
REPEATED = "The first request with this Idempotency-Key is still being answered"
REPLAYED = "Idempotency-Replayed"
VERSION = 1
SCHEMA = """
CREATE TABLE answers (
    caller TEXT, key TEXT, request TEXT NOT NULL, owner TEXT NOT NULL, began REAL NOT NULL, body TEXT, location TEXT,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (began)
"""
M = TypeVar("M", bound=BaseModel)


class StoredAnswer(NamedTuple):
    """A stored answer: the JSON of the body and the header `Location`."""

    body: str
    location: str


class StoredAnswers:
    """The stored answers of a data directory. The table is opened at the first request with a key."""

    def __init__(self, settings: Settings) -> None:
        path = settings.data_dir / ANSWERS_FILE
        self.database = LazyStore("answers", lambda: Database(path, SCHEMA, VERSION), THREADS, WAITING)
        self._owner = secrets.token_hex(8)  # of this process: unfinished requests of others run again

    async def begin(self, caller: str, key: str, request: str) -> StoredAnswer | None:
        """Return the stored answer to a request. If there is none, record that the request began, and return None.

        Raises:
            QueryError: the key belongs to another request.
            ConflictError: the first request with the key is still being answered.
        """
        return await self.database.ask(lambda database: self._begin(database, caller, key, request))

    async def keep(self, caller: str, key: str, answer: StoredAnswer | None) -> None:
        """Keep the answer to a request that has begun; with None, forget the request."""
        await self.database.ask(lambda database: self._keep(database, caller, key, answer))

    async def close(self) -> None:
        """Close the table."""
        await self.database.close()

    def _begin(self, database: Database, caller: str, key: str, request: str) -> StoredAnswer | None:
        now = time.time()
        with database.use() as db:
            db.execute("DELETE FROM answers WHERE began < ?", (now - KEPT_SECONDS,))
            row = db.execute("SELECT * FROM answers WHERE caller = ? AND key = ?", (caller, key)).fetchone()
            if row is not None and row["request"] != request:
                raise QueryError(f"the Idempotency-Key {key!r} was sent with another request: send a new key")
            if row is not None and row["body"] is not None:
                return StoredAnswer(row["body"], row["location"])
            if row is not None and row["owner"] == self._owner:
                raise ConflictError(f"the request with the Idempotency-Key {key!r} is being answered: wait for it")
            db.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, NULL, NULL)",
                (caller, key, request, self._owner, now),
            )
            db.execute(
                "DELETE FROM answers WHERE began <= (SELECT began FROM answers ORDER BY began DESC LIMIT 1 OFFSET ?)",
                (MAX_ANSWERS,),
            )
        return None

    def _keep(self, database: Database, caller: str, key: str, answer: StoredAnswer | None) -> None:
        with database.use() as db:
            if answer is None:
                db.execute("DELETE FROM answers WHERE caller = ? AND key = ?", (caller, key))
            else:
                db.execute(
                    "UPDATE answers SET body = ?, location = ? WHERE caller = ? AND key = ?", (*answer, caller, key)
                )


class Attempt:
    """One attempt of a request that creates something."""

    def __init__(self, answers: StoredAnswers, caller: str, route: str, key: str | None, response: Response) -> None:
        self._answers, self._caller, self._route, self._key = answers, caller, route, key
        self._response = response

    @property
    def has_key(self) -> bool:
        """True if the request was sent with a key."""
        return self._key is not None

    async def once(self, sent: Any, kind: type[M], create: Callable[[], Awaitable[M]]) -> M:
        """Create something and answer with it, or repeat the answer to the first request with the same key.

        `sent` is the body as JSON: the key is refused with another body. Errors are not stored.

        Raises:
            QueryError: the key belongs to another request.
            ConflictError: the first request with the key is still being answered.
        """
        if self._key is None:
            return await create()
        request = hashlib.sha256(json.dumps([self._route, sent], sort_keys=True).encode()).hexdigest()
        known = await self._answers.begin(self._caller, self._key, request)
        if known is not None:
            self._response.headers.update({"Location": known.location, REPLAYED: "true"})
            return kind.model_validate_json(known.body)
        try:
            made = await create()
        except BaseException:
            await self._answers.keep(self._caller, self._key, None)
            raise
        answer = StoredAnswer(made.model_dump_json(), self._response.headers["Location"])
        await self._answers.keep(self._caller, self._key, answer)
        return made


async def _attempt(
    request: Request,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern="^[!-~]+$",
            description="Repeat a request with the same key, and it creates nothing twice.",
        ),
    ] = None,
) -> Attempt:
    caller: Key = request.state.caller
    route = f"{request.url.path}?{request.url.query}"
    return Attempt(request.app.state.answers, caller.name, route, idempotency_key, response)


Creating = Annotated[Attempt, Depends(_attempt)]
