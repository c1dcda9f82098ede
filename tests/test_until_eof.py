"""A process that ends with its parent, and may end before it."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys, threading
from omnisearch.cli.until_eof import on_eof
over = threading.Event()
on_eof(over.set)
if sys.argv[1] == "stay":
    over.wait(60)
    print("the parent has ended")
"""


@pytest.mark.parametrize(("how", "printed"), [("stay", "the parent has ended\n"), ("end", "")])
def test_a_process_ends_without_noise_before_its_parent_and_after_it(tmp_path: Path, how: str, printed: str) -> None:
    command = [sys.executable, "-c", CODE, how]
    with (
        (tmp_path / "errors").open("w+") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
    ):
        if how == "end":
            child.wait(60)
        out, _ = child.communicate(timeout=60)
        errors.seek(0)
        assert (child.returncode, out, errors.read()) == (0, printed, "")
