"""Replicas: servers that only search an index in a Qdrant server, and that lack the data directory of the index."""

from typing import Annotated

from fastapi import Depends, Request

from omnisearch.errors import ReplicaError


async def refuse_on_replica(request: Request) -> None:
    """Refuse a request that needs the data directory of the index.

    Raises:
        ReplicaError: this server is a replica.
    """
    if request.app.state.is_replica:
        raise ReplicaError


# The type of a parameter of routes, and of dependencies of routes, that need the data directory of the index.
OnMain = Annotated[None, Depends(refuse_on_replica)]
