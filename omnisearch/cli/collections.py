"""`omnisearch collections`."""

from typing import Annotated

import typer

from omnisearch.cli import options
from omnisearch.cli.console import err, write_rows
from omnisearch.cli.typer_app import CommandGroup

app = CommandGroup(help="List and remove collections: separate indexes in one data directory.", no_args_is_help=True)


@app.command()
def ls(
    output: options.Output = None,
    data_dir: options.DataDir = None,
    store: options.Store = None,
) -> None:
    """List the collections with the model and the folder of each. `omnisearch index --collection NAME` creates one."""
    from omnisearch.config import load_settings
    from omnisearch.errors import NoIndexError
    from omnisearch.stores.catalog import describe_store
    from omnisearch.stores.collections import list_collections

    settings = load_settings(data_dir=data_dir, store=store)
    rows = []
    for name in list_collections(settings):
        one = settings.model_copy(update={"collection": name})
        try:
            model: str | None = describe_store(one).model
        except NoIndexError:
            model = None
        rows.append({"name": name, "model": model, "path": str(one.index_dir)})
    write_rows(rows, ("name", "model", "path"), output)


@app.command()
def rm(
    name: Annotated[str, typer.Argument(help="The collection to remove.")],
    data_dir: options.DataDir = None,
    store: options.Store = None,
) -> None:
    """Remove a collection with its vectors and embeddings. The indexed files themselves are not touched."""
    from omnisearch.config import load_settings
    from omnisearch.stores.collections import remove_collection

    remove_collection(load_settings(data_dir=data_dir, collection=name, store=store))
    err.print(f"removed the collection {name}", markup=False)
