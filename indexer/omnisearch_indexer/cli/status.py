"""`omnisearch status`."""

from collections.abc import Mapping
from typing import Any

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, err, write_object, write_rows

# The labels of rows of the table whose names in the JSON are less plain.
LABELS = {
    "data_dir": "folder of the index",
    "bytes": "bytes on disk",
    "kept": "missing, still indexed",
    "places": "places from GPS",
    "not_indexed": "not indexed",
}


def status(
    output: options.Output = None, data_dir: options.DataDir = None, collection: options.Collection = None
) -> None:
    """Show what is indexed: files, segments, metadata, failures by reason, model, store and sizes.

    Says if the model was replaced by another version since. Loads no model.
    """
    from omnisearch.config import load_settings
    from omnisearch_indexer.status import find_outdated, read_status

    settings = load_settings(data_dir=data_dir, collection=collection)
    fields = read_status(settings)
    outdated = find_outdated(settings)
    if outdated:
        err.print(outdated, markup=False, soft_wrap=True, style="yellow")
    chosen = choose_format(output)
    if chosen is Format.TABLE:
        write_rows(
            [{"what": LABELS.get(name, name), "value": _plain(value)} for name, value in fields.items()],
            ("what", "value"),
            chosen,
        )
    else:
        write_object(fields | {"outdated": bool(outdated)}, chosen)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
