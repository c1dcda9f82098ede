"""Network mounts: file systems that do not tell of changes by other machines."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from omnisearch.paths import is_within

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fuse", "gfs2", "gpfs", "lustre"}
    | {"ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)


def find_network_mounts(folder: str, mounts: Path = MOUNTS) -> Sequence[str]:
    """Return the mount points of network file systems at and below a folder, and of the one that it is in.

    A FUSE file system counts as one, because its changes may come from elsewhere. Empty on systems without `mounts`.
    """
    if not mounts.exists():
        return ()
    # A later mount at the same point hides an earlier one.
    kinds = dict(_mounts(mounts.read_bytes()))
    own = max((point for point in kinds if is_within(folder, point)), key=len, default="/")
    return [
        point
        for point, kind in sorted(kinds.items())
        if is_network(kind) and (point == own or is_within(point, folder))
    ]


def is_network(kind: str) -> bool:
    """Whether a type of file system, such as `nfs4` or `fuse.sshfs`, is one of a network."""
    return kind.partition(".")[0] in NETWORK


def _mounts(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield the mount points with their types. The format is that of proc(5): spaces of names are written as octals."""
    for line in text.splitlines():
        fields, _, rest = line.partition(b" - ")
        point = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), fields.split(b" ")[4])
        yield os.fsdecode(point), rest.split(b" ")[0].decode()
