"""The name of a collection in requests."""

from typing import Annotated

from pydantic import StringConstraints

from omnisearch.config import COLLECTION_NAME

CollectionText = Annotated[str, StringConstraints(pattern=COLLECTION_NAME)]
