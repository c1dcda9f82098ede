"""What torch needs of the machine before a tower runs: operators that exist, memory that is kept, a device."""

import subprocess
import sys

import pytest

from omnisearch.config import load_settings
from omnisearch.errors import NotReadyError


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_torchvision_imports_beside_any_torch_once_the_shim_ran() -> None:
    code = (
        "import gc\n"
        "from omnisearch.spaces.nn import torchvision_shim\n"
        "first = torchvision_shim.install()\n"
        "gc.collect()\n"
        "assert torchvision_shim.install() == first, 'a second call changes nothing'\n"
        "import torch, torchvision\n"
        "assert torch.ops.torchvision.nms is not None\n"
    )
    run(code)


def test_the_shim_leaves_a_working_torchvision_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisearch.spaces.nn import torchvision_shim

    monkeypatch.setattr(torchvision_shim, "_kept", [])
    monkeypatch.setattr(torchvision_shim, "_loads", lambda: True)
    assert torchvision_shim.install() is False
    assert torchvision_shim._kept == []


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator is glibc's")
def test_a_large_block_is_not_mapped_anew_once_the_allocator_was_told() -> None:
    code = (
        "import ctypes, sys\n"
        "from omnisearch.spaces.nn.allocator import keep_large_blocks\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]\n"
        "libc.free.argtypes = [ctypes.c_void_p]\n"
        "if sys.argv[1:]: assert keep_large_blocks()\n"
        "import resource\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(20):\n"
        "        block = libc.malloc(100 << 20)\n"
        "        ctypes.memset(block, 1, 100 << 20)\n"
        "        libc.free(block)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "print(faults())\n"
    )
    default = int(run(code))
    kept = int(run("import sys; sys.argv.append('kept')\n" + code))
    if default == 0:
        pytest.skip("this C library keeps large blocks by itself")
    assert kept < default / 5


def test_a_device_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from omnisearch.spaces.device import choose

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NotReadyError, match="device = 'cuda'"):
        choose(load_settings(device="cuda"))
    assert choose(load_settings(device="auto")).type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose(load_settings(device="cpu")).type == "cpu"
    assert choose(load_settings(device="auto")).type == "cuda"
