"""Collections: indexes side by side, each found by its name."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath

from omnisearch.api.access import needs
from omnisearch.api.collection_name import CollectionText
from omnisearch.api.collections import Collections, Served
from omnisearch.api.idempotency import Creating
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.replica import OnMain
from omnisearch.api.request_body import json_body, read_json
from omnisearch.api.schemas import CollectionIn
from omnisearch.api.service import SearchEngine
from omnisearch.errors import NoIndexError
from omnisearch.schema.collection import CollectionEntry, CollectionOut, CollectionsOut

PATH = "/v1/collections"
TAKEN = "There is a collection of that name"

router = APIRouter(prefix=PATH, tags=["collections"], **needs(Scope.SEARCH))
changes = APIRouter(prefix=PATH, tags=["collections"], **needs(Scope.ADMIN))
Name = Annotated[CollectionText, InPath(description="The name of a collection.")]


@router.get("")
async def page(collections: Served, _: OnMain) -> CollectionsOut:
    """List the collections without opening them."""
    return CollectionsOut(collections=[_entry(collections, name) for name in collections.names()])


@router.get("/{name}", responses=refused(409))
async def show(name: Name, collections: Served) -> CollectionOut:
    """Return a collection with its counts."""
    collections.settings(name)

    def describe(engine: SearchEngine) -> CollectionOut:
        model = engine.model
        return CollectionOut(
            **_entry(collections, name).model_dump(), model=model.name, dim=model.dim, segments=engine.counts()
        )

    try:
        async with collections.use(name) as service:
            return await service.ask(describe)
    except NoIndexError:
        return CollectionOut(**_entry(collections, name).model_dump())


@changes.post(
    "", status_code=HTTPStatus.CREATED, openapi_extra=json_body(CollectionIn), responses=refused(409, s409=TAKEN)
)
async def create(
    request: Request, response: Response, collections: Served, creating: Creating, _: OnMain
) -> CollectionOut:
    """Make an empty collection, which a job of the kind `index` can fill; `Location` is its URL."""
    name = (await read_json(request, CollectionIn)).name

    async def make() -> CollectionOut:
        await collections.create(name)
        response.headers["Location"] = f"{PATH}/{name}"
        return CollectionOut(**_entry(collections, name).model_dump())

    return await creating.once(name, CollectionOut, make)


@changes.delete("/{name}", status_code=HTTPStatus.NO_CONTENT)
async def remove(name: Name, collections: Served, _: OnMain) -> None:
    """Remove a collection with its vectors and embeddings; the indexed files are not deleted."""
    await collections.remove(name)


def _entry(collections: Collections, name: str) -> CollectionEntry:
    return CollectionEntry(name=name, default=name == collections.default.settings.collection)
