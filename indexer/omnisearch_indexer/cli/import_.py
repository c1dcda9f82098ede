"""`omnisearch import`."""

from pathlib import Path
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import err


def import_(
    source: Annotated[Path, options.path_argument("FILE", "An exported file.")],
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
) -> None:
    """Make an index from a file of `omnisearch export --vectors`, where there is none yet. Opens no indexed file.

    Every row is checked, and every vector is compared with the one that its embeddings give.
    """
    from omnisearch.cli.progress_bar import Bar
    from omnisearch.config import load_settings
    from omnisearch_indexer.import_rows import import_points

    settings = load_settings(data_dir=data_dir, collection=collection, model=model, store=store, device=device)
    with Bar("importing", "bytes") as bar:
        items, points = import_points(source, settings, bar)
    err.print(
        f"{points:,} points of {items:,} items are in {settings.index_dir}; `omnisearch index PATH...` compares their "
        f"files",
        markup=False,
        soft_wrap=True,
    )
