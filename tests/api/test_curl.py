"""Every curl line of the documents, sent by curl to a real server process."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnisearch import Client
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files
from tests.api.conftest import picture, server_process, tone
from tests.media.makers import write_video

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/api.md", "docs/locate.md")
FENCE = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEY, ITEM, FOLDER = "omni_q3Jx...", "5c1f...", "/photos"  # stand in the documents for what a reader has


def lines_of(page: str) -> Iterator[str]:
    """The curl commands of a page, each with the lines that it goes on in."""
    for block in FENCE.findall((ROOT / page).read_text(encoding="utf-8")):
        pending = ""
        for line in block.splitlines():
            pending += line.removeprefix("$ ") + "\n"
            if is_whole(pending):
                if pending.startswith("curl "):
                    yield pending
                pending = ""


def is_whole(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:  # a quote is open
        return False
    return not text.endswith("\\\n")


LINES = [line for page in PAGES for line in lines_of(page)]


def test_the_lines_are_found() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert len(list(lines_of(page))) == len(re.findall(r"^(?:\$ )?curl ", text, re.MULTILINE)) > 0


def test_every_line_is_answered(hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "dog.png").write_bytes(picture())
    (tmp_path / "bark.wav").write_bytes(tone())
    write_video(tmp_path / "walk.mp4", seconds=2.0)
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)
    index_files([photos], settings)
    with (
        server_process(
            settings.data_dir, hashed_model, "--allow-host", "search.lan", OMNISEARCH_INDEX_ROOTS=str(photos)
        ) as url,
        Client(url) as client,
    ):
        (item,) = client.items()
        port = url.rpartition(":")[2]
        names = "".join(f'connect-to = "{name}:8000:127.0.0.1:{port}"\n' for name in ("localhost", "search.lan"))
        (tmp_path / ".curlrc").write_text(names + 'fail-with-body\nwrite-out = "\\n%{http_code}"\n')
        environment = {**os.environ, "CURL_HOME": str(tmp_path)}
        # Lines with a key come last: from the first key on, every request needs one.
        for line in sorted(LINES, key=lambda line: KEY in line):
            key = KeyFile(settings.data_dir).add("docs", [Scope.SEARCH]) if KEY in line else ""
            sent = line.replace(KEY, key).replace(ITEM, item.id).replace(json.dumps(FOLDER), json.dumps(str(photos)))
            done = subprocess.run(
                ["bash", "-c", sent], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
            )
            body, _, status = done.stdout.rpartition("\n")
            assert (done.returncode, status[:1]) == (0, "2"), (line, done)
            if status == "202":
                client.wait(json.loads(body)["id"])
