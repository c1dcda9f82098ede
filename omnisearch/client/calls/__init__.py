"""The requests that a client can send. Each is described once, and `Client` and `AsyncClient` send it."""

from omnisearch.client.calls.collections import CollectionCalls
from omnisearch.client.calls.items import ItemCalls
from omnisearch.client.calls.jobs import JobCalls
from omnisearch.client.calls.library import LibraryCalls
from omnisearch.client.calls.models import ModelCalls
from omnisearch.client.calls.search import SearchCalls
from omnisearch.client.calls.uploads import UploadCalls


class Calls(SearchCalls, ItemCalls, UploadCalls, CollectionCalls, JobCalls, LibraryCalls, ModelCalls):
    """Every request that both clients can send."""
