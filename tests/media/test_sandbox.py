"""What a decoder that was taken over can still do: each way out is tried in a real worker process.

A folder on PYTHONPATH holds a hostile `pypdf`, which runs the Python code that a "PDF" consists of. Each way out must
be open without the sandbox, else its test proves nothing, and must be closed by each of its layers alone.
"""

import errno
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import load_settings
from omnisearch.errors import MediaError
from omnisearch.media import sandbox
from omnisearch.media.pool import DecoderPool
from omnisearch.media.sandbox import Layer
from omnisearch.media.seccomp import refused
from omnisearch.media.worker_process import Limits, WorkerProcess

HOSTILE = """
import ctypes, errno, json, os, socket, stat, subprocess, threading

ran = {}  # results by code: metadata and words each open the file

class PdfReader:
    is_encrypted = False

    def __init__(self, stream):
        self.pages = [self]
        self.open = [n for n in range(1024) if self.status(n) is not None]
        fd = next(n for n in self.open if stat.S_ISREG(self.status(n).st_mode))
        head, code = os.pread(fd, 1 << 20, 0).decode().split("\\n", 1)
        scope = {**globals(), "fd": fd, "opened": self.open, "at": json.loads(head[8:]), "result": "done"}
        if (head, code) not in ran:
            try:
                exec(code, scope)
                ran[head, code] = str(scope["result"])
            except OSError as error:
                ran[head, code] = f"refused: {error!r}"
        self.text = ran[head, code]

    @staticmethod
    def status(n):
        try:
            return os.fstat(n)
        except OSError:
            return None

    def extract_text(self):
        return self.text
"""
ONLY = """
from omnisearch.media import sandbox

every = sandbox.layers
sandbox.layers = lambda *given: {name: layer for name, layer in every(*given).items() if name in %r}
"""

# Two that fail for another reason where they are allowed: no file is mapped at the address, and a file system may have
# no attributes. Being refused is EPERM.
READ_MEMORY = """
place = (ctypes.c_size_t * 2)(ctypes.addressof(ctypes.create_string_buffer(9)), 1)
if ctypes.CDLL(None, use_errno=True).process_vm_readv(at["process"], place, 1, place, 1, 0) < 0:
    if ctypes.get_errno() == errno.EPERM:
        raise PermissionError
"""
SET_ATTRIBUTES = """
import fcntl
try:
    fcntl.ioctl(fd, 0x40086602, bytes(8))  # FS_IOC_SETFLAGS
except OSError as error:
    if error.errno == errno.EPERM:
        raise
"""

# What the code does, and the layers of which each alone must stop it; what follows a layer's name is a part of it that
# only newer kernels have.
ESCAPES: dict[str, tuple[str, set[str]]] = {
    "read a file": ("open(at['secret']).read()", {"landlock"}),
    "read the accounts": ("open('/etc/passwd').read()", {"landlock"}),
    "read the pool's environment": ("open(f'/proc/{os.getppid()}/environ').read()", {"landlock"}),
    "read the checkout": ("open(at['checkout']).read()", {"landlock"}),
    "list a folder": ("os.listdir('/')", {"landlock"}),
    "create a file": ("open(at['new'], 'w')", {"landlock"}),
    "write to a file": ("open(at['secret'], 'r+')", {"landlock"}),
    "write to the file it was given": ("open(f'/proc/self/fd/{fd}', 'r+')", {"landlock"}),
    "empty a file": ("os.truncate(at['secret'], 0)", {"landlock", "seccomp"}),
    "delete a file": ("os.unlink(at['victim'])", {"landlock", "seccomp"}),
    "rename a file": ("os.rename(at['victim'], at['new'])", {"landlock", "seccomp"}),
    "make a folder": ("os.mkdir(at['new'])", {"landlock", "seccomp"}),
    "change the mode of a file": ("os.chmod(at['secret'], 0o600)", {"seccomp"}),
    "change the mode of the file it was given": ("os.fchmod(fd, 0o600)", {"seccomp"}),
    "change the time of the file it was given": ("os.utime(fd)", {"seccomp"}),
    "change the attributes of the file it was given": (SET_ATTRIBUTES, {"seccomp"}),
    "connect by TCP": (
        "socket.create_connection(('127.0.0.1', at['tcp']), 5)",
        {"landlock TCP", "seccomp", "network_namespace"},
    ),
    "listen by TCP": ("socket.create_server(('', 0))", {"landlock TCP", "seccomp"}),
    "send by UDP": (
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'key', ('127.0.0.1', at['udp']))",
        {"seccomp", "network_namespace"},
    ),
    "connect to a Unix socket": ("socket.socket(socket.AF_UNIX).connect(at['unix'])", {"seccomp"}),
    "connect to an abstract Unix socket": (
        "socket.socket(socket.AF_UNIX).connect('\\0' + at['abstract'])",
        {"landlock abstract sockets", "seccomp", "network_namespace"},
    ),
    "look up a name": ("socket.getaddrinfo('localhost', 80)", {"landlock"}),
    "start a program": ("subprocess.run(['/bin/sh', '-c', ':'], check=True)", {"landlock", "seccomp"}),
    "fork": ("pid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)", {"seccomp"}),
    "signal the pool": ("os.kill(os.getppid(), 0)", {"landlock signals", "seccomp"}),
    "read the memory of a process": (READ_MEMORY, {"landlock", "seccomp"}),
    "limit another process": (
        "import resource; resource.prlimit(at['process'], resource.RLIMIT_CORE, (0, 0))",
        {"seccomp"},
    ),
    "hold many files open": ("held = [open('/dev/null') for _ in range(100)]", {"limits"}),
    "fill a file in memory": ("os.truncate(os.memfd_create('a'), 1 << 30)", {"limits"}),
}
NO_LANDLOCK = """
from omnisearch.media import landlock

def restrict(paths):
    raise OSError(38, "Function not implemented")

landlock.restrict = restrict
"""
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
ENVIRONMENT = {
    *("PYTHONPATH", "PYTHONUSERBASE", "PYTHONHOME", "HOME", "LC_ALL", "LD_LIBRARY_PATH"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"),
}
ALONE = ("limits", "landlock", "seccomp", "network_namespace")


class Probe:
    """A pool whose PDF library is taken over; `start` is Python code that its workers run first."""

    def __init__(self, folder: Path, start: str = "") -> None:
        self.folder = folder
        (folder / "code").mkdir(parents=True)
        (folder / "code" / "pypdf.py").write_text(HOSTILE)
        (folder / "code" / "sitecustomize.py").write_text(start)
        self.pool = DecoderPool(load_settings(data_dir=folder / "data"), workers=1)

    def run(self, code: str, at: Any = None) -> str:
        """Run the code in the worker; returns its `result`, or the OSError it met. `at` is a variable of the code."""
        path = self.folder / "a.pdf"
        path.write_text(f"%PDF-1.4{json.dumps(at)}\n{code}\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(self.folder / "code"), prepend=os.pathsep)
            (piece,) = self.pool.decode(path).pieces
        return str(piece.content)


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Probe]]:
    """A probe without layers ("none"), one with each layer alone, and one with the whole sandbox ("all")."""
    folder = tmp_path_factory.mktemp("probes")
    starts = {layer: ONLY % {layer, "no_new_privs"} for layer in ALONE}
    with ExitStack() as stack:
        made = {n: Probe(folder / n, start) for n, start in {**starts, "none": ONLY % set(), "all": ""}.items()}
        for probe in made.values():
            stack.enter_context(probe.pool)
        yield made


@pytest.fixture(scope="module")
def granted() -> dict[str, Layer]:
    """The layers that are active on this machine."""
    child = WorkerProcess(Limits())
    child.stop()
    return {layer.name: layer for layer in child.layers if layer.active}


@pytest.fixture
def targets(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the escapes reach for."""
    (tmp_path / "secret").write_text("a key")
    (tmp_path / "victim").write_text("a file")
    with ExitStack() as stack:
        listening = {
            "tcp": stack.enter_context(socket.create_server(("127.0.0.1", 0))),
            "udp": stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
            "unix": stack.enter_context(socket.socket(socket.AF_UNIX)),
            "abstract": stack.enter_context(socket.socket(socket.AF_UNIX)),
        }
        abstract = f"omnisearch-{os.getpid()}"
        listening["udp"].bind(("127.0.0.1", 0))
        for name, address in (("unix", str(tmp_path / "socket")), ("abstract", f"\0{abstract}")):
            listening[name].bind(address)
            listening[name].listen()
        process = stack.enter_context(subprocess.Popen(["cat"], stdin=subprocess.PIPE))
        stack.callback(process.kill)
        yield {
            **{name: str(tmp_path / name) for name in ("secret", "victim", "new")},
            **{name: listening[name].getsockname()[1] for name in ("tcp", "udp")},
            "unix": str(tmp_path / "socket"),
            "abstract": abstract,
            "process": process.pid,
            "checkout": str(Path(__file__)),
        }


@pytest.mark.parametrize("escape", ESCAPES)
def test_each_way_out_is_closed(
    escape: str, probes: dict[str, Probe], granted: dict[str, Layer], targets: dict[str, Any]
) -> None:
    code, closers = ESCAPES[escape]
    if escape == "read the memory of a process" and os.getuid() and YAMA.exists() and YAMA.read_text().strip() != "0":
        pytest.skip("this kernel lets a user look into children alone")
    closers = {name for name in closers if _holds(name, granted)}
    if not closers:
        pytest.skip("this machine grants no layer that closes it")
    for name in {word.split()[0] for word in closers} | {"all"}:
        assert probes[name].run(code, targets).startswith("refused: "), name
    assert probes["none"].run(code, targets) == "done"


def _holds(closer: str, granted: dict[str, Layer]) -> bool:
    name, _, part = closer.partition(" ")
    return name in granted and part in granted[name].detail


def test_no_refused_call_gets_through(probes: dict[str, Probe], granted: dict[str, Layer]) -> None:
    if "seccomp" not in granted:
        pytest.skip("this machine grants no seccomp filter")
    calls = refused(os.uname().machine)
    # With these arguments no call does anything where it is allowed; only fork and vfork, tried above, have none.
    at = {name: number for name, number in calls.items() if name not in ("fork", "vfork")}
    code = """
call = ctypes.CDLL(None, use_errno=True).syscall
result = sum(call(n, *[ctypes.c_long(-1)] * 6) != -1 or ctypes.get_errno() != errno.EPERM for n in at.values())
"""
    assert probes["seccomp"].run(code, at) == "0"
    assert int(probes["none"].run(code, at)) > len(at) / 2
    later = "ctypes.CDLL(None, use_errno=True).syscall(%d, 0); result = errno.errorcode[ctypes.get_errno()]"
    for number in (435, 467, 0x40000000 + 41):  # clone3, one of Linux 6.15, socket as x32 has it
        assert probes["seccomp"].run(later % number) == "ENOSYS"


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernel(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip("no kernel headers")
    lines = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", Path(header).read_text(), re.MULTILINE)
    numbers = {name: int(number) for name, number in lines}
    ours = refused(machine)
    assert ours == {name: numbers.get(name, number) for name, number in ours.items()}
    assert len(numbers.keys() & ours.keys()) > 80


def test_what_decoding_needs_still_works(probes: dict[str, Probe]) -> None:
    assert probes["all"].run("t = threading.Thread(target=print); t.start(); t.join()") == "done"
    for module in ("ssl", "hashlib", "mimetypes", "sqlite3", "multiprocessing", "concurrent.futures"):
        assert probes["all"].run(f"import {module} as m; getattr(m, 'init', getattr(m, 'md5', print))()") == "done"

    in_memory = "file = os.memfd_create('a'); path = f'/proc/self/fd/{file}'; open(path, 'w').write('a')"
    assert probes["all"].run(f"{in_memory}; result = open(path).read()") == "a"


def test_without_landlock_no_byte_is_written(tmp_path: Path) -> None:
    probe = Probe(tmp_path / "probe", NO_LANDLOCK)
    with probe.pool:
        found = probe.run("with open(at, 'w') as file: file.write('a')", str(tmp_path / "new"))
    assert "File too large" in found


def test_a_decoder_may_abort_itself(probes: dict[str, Probe]) -> None:
    with pytest.raises(MediaError, match="SIGABRT"):
        probes["all"].run("os.abort()")


def test_the_environment_holds_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OMNISEARCH_API_KEY", "HOME", "HTTPS_PROXY", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "a key")
    probe = Probe(tmp_path)
    with probe.pool:
        found = json.loads(probe.run("result = json.dumps(dict(os.environ))"))
    assert "a key" not in found.values()
    assert set(found) <= ENVIRONMENT


def test_no_descriptor_is_inherited(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        probe = Probe(tmp_path / "probe")
        with probe.pool:
            inodes = json.loads(probe.run("result = [os.fstat(n).st_ino for n in opened]"))
        assert os.fstat(file.fileno()).st_ino not in inodes
    assert len(inodes) == 5  # three standard streams, the socket, the file


def test_every_thread_of_a_worker_is_inside(granted: dict[str, Layer]) -> None:
    if "seccomp" not in granted:
        pytest.skip("this machine grants no seccomp filter")
    child = WorkerProcess(Limits())
    try:
        tasks = list(Path(f"/proc/{child._process.pid}/task").iterdir())
        status = (tasks[0] / "status").read_text()
    finally:
        child.stop()
    assert len(tasks) == 1
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)


def test_a_layer_that_is_missing_is_reported_and_the_rest_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise OSError(errno.ENOSYS, "Function not implemented")

    layers = {"a": missing, "b": lambda: "all of b"}
    monkeypatch.setattr(sandbox, "layers", lambda memory, readable: layers)
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    assert sandbox.enter(1 << 30) == [Layer("a", False, "Function not implemented"), Layer("b", True, "all of b")]
