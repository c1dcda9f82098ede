"""The short form of bench/load.py: what must hold on any machine, however busy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.test_end_to_end import FILES
from tests.test_docs import ROOT

SECONDS = 20


@pytest.mark.slow
def test_a_server_under_load_fails_nobody(tmp_path: Path, hashed_model: Path) -> None:
    media, data = tmp_path / "media", tmp_path / "data"
    media.mkdir()
    for name, content in FILES.items():
        (media / name).write_bytes(content)
    environment = {**os.environ, "OMNISEARCH_MODEL": str(hashed_model), "OMNISEARCH_DATA_DIR": str(data)}
    subprocess.run([sys.executable, "-m", "omnisearch", "index", media], env=environment, check=True)
    command = [sys.executable, ROOT / "bench" / "load.py", data, "--seconds", str(SECONDS)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["unplanned"] == 0
    assert not set(found["index jobs"]) - {"done"}
    assert found["overload"]["refused"] > 0
    assert found["overload"]["refused without Retry-After"] == 0
    assert all(0 < seconds < 90 for seconds in found["slow senders, longest seconds"].values())
    assert found["memory MB"][-1] < 1.5 * found["memory MB"][0]
