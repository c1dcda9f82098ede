"""`omnisearch index --dry-run`: what would be done with each file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from omnisearch.config import Settings
from omnisearch_indexer.dry_run import ChangeKind, dry_run_files
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import NO_TEXT, write_image


def test_each_file_that_a_run_would_not_leave_as_it_is(
    tmp_path: Path, settings: Settings, call: Callable[..., tuple[int, str]]
) -> None:
    folder = tmp_path / "files"
    for n, name in enumerate("abcde"):
        write_image(folder / f"{name}.png", seed=n)
    (folder / "broken.txt").write_bytes(NO_TEXT)
    assert {file.kind for file in dry_run_files([folder], settings).files} == {ChangeKind.NEW}
    assert not settings.data_dir.exists()
    index_files([folder], settings)
    (folder / "a.png").rename(folder / "z.png")
    shutil.copy(folder / "b.png", folder / "copy.png")
    write_image(folder / "c.png", seed=9)
    (folder / "d.png").unlink()
    (folder / "loop").symlink_to("loop")
    code, out = call(
        "index", "--dry-run", folder, "--data-dir", settings.data_dir, "--model", settings.model, "--format", "json"
    )
    rows = [(Path(row["path"]).name, row["change"], row["reason"]) for row in json.loads(out)]
    assert rows == [
        ("broken.txt", "refused", "undecodable_text"),
        ("c.png", "changed", None),
        ("copy.png", "new", None),
        ("d.png", "removed", None),
        ("loop", "refused", "link_loop"),
        ("z.png", "moved", None),
    ]
    assert json.loads(out)[-1]["note"] == f"from {folder / 'a.png'}"
    assert "link to loop" in json.loads(out)[-2]["note"]
    assert code == 3  # as the run itself
    files = {Path(file.path).name: file for file in dry_run_files([folder], settings, retry_failed=True).files}
    assert files["broken.txt"].kind is ChangeKind.AGAIN
