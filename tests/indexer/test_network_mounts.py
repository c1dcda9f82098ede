"""Network mounts, by the table of mounts of Linux."""

from pathlib import Path

import pytest

from omnisearch_indexer.network_mounts import find_network_mounts, is_network

TABLE = rb"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
30 21 0:40 / /mnt/nas rw,relatime - nfs4 nas:/media rw,vers=4.2
31 30 8:2 / /mnt/nas/local rw - xfs /dev/sdb1 rw
32 21 0:41 / /home/ann/my\040cloud rw master:3 - fuse.sshfs cloud: rw
33 21 0:42 / /mnt/stick rw - fuseblk /dev/sdc1 rw
34 21 0:43 / /mnt/both rw - cifs //nas/both rw
35 34 8:3 / /mnt/both rw - ext4 /dev/sdd1 rw
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/srv", []),
        ("/mnt/nas/photos", ["/mnt/nas"]),
        ("/mnt/nas/local/photos", []),
        ("/mnt/nasty", []),
        ("/home", ["/home/ann/my cloud"]),
        ("/mnt/stick/a", []),
        ("/mnt/both", []),  # the last mount at a point hides the others
        ("/", ["/home/ann/my cloud", "/mnt/nas"]),
    ],
)
def test_mounts_at_below_and_above_a_folder(tmp_path: Path, folder: str, found: list[str]) -> None:
    (tmp_path / "mountinfo").write_bytes(TABLE.strip())
    assert find_network_mounts(folder, tmp_path / "mountinfo") == found


def test_a_system_without_a_table_has_no_known_mounts(tmp_path: Path) -> None:
    assert find_network_mounts("/", tmp_path / "none") == ()
    assert not is_network("ext4")
    assert is_network("fuse.rclone")
