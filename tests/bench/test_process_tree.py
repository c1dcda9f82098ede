"""Processor time and memory of a process with its descendants."""

import subprocess
import sys

import pytest

from bench import process_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
HOLD = "held = bytearray(64 << 20); print(1, flush=True); input()"
# A grandchild whose parent has ended, as the worker of the embedded store is.
ORPHAN = f"""
import os, subprocess, sys, time
from bench import process_tree
process_tree.adopt_orphans()
before = process_tree.cpu_seconds()
leave = "import os\\nif os.fork(): os._exit(0)\\nos.setsid()\\n"
subprocess.run([sys.executable, "-c", leave + {BURN!r}], check=True)
while len(process_tree.processes(os.getpid())) > 1 and process_tree.cpu_seconds() - before < 0.3: time.sleep(0.02)
print(process_tree.cpu_seconds() - before)
"""


def test_the_time_of_a_child_counts_after_its_end() -> None:
    before = process_tree.cpu_seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert process_tree.cpu_seconds() - before >= 0.29


def test_the_time_of_an_orphan_counts() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=True)
    assert float(done.stdout) >= 0.29


def test_the_memory_of_a_child_counts() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert child.pid in process_tree.processes(child.pid)
        held, without = process_tree.memory_mib(child.pid), process_tree.memory_mib(child.pid, itself=False)
        child.communicate(b"\n")
    assert held > 64
    assert without == 0
