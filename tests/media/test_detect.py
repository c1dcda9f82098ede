"""Detection: content decides, a name that promises more than the content holds is damage."""

import io

import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.detect import detect
from omnisearch.media.file import Source
from omnisearch.media.kinds import BY_SUFFIX, KINDS, SHARED_SUFFIXES
from omnisearch.types import Modality

NOISE = bytes(range(128, 256)) * 20


def _source(name: str, content: bytes) -> Source:
    return Source(io.BytesIO(content), len(content), name)


# Binary files named .obj are what compilers write.
OPEN = {".obj", *SHARED_SUFFIXES}
PROMISING = sorted(s for s, kind in BY_SUFFIX.items() if kind.modality is not Modality.TEXT and s not in OPEN)


@pytest.mark.parametrize("suffix", PROMISING)
def test_a_promised_kind_with_other_content_is_damaged(suffix: str) -> None:
    with pytest.raises(MediaError, match=suffix) as caught:
        detect(_source(f"a{suffix}", NOISE))
    assert caught.value.reason is Reason.DAMAGED


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xyzzy", NOISE),
        ("a", NOISE),
        ("a.ts", b"export const x = 1\n"),
        ("a.obj", b"\x64\x86\x02\0" + NOISE),
        ("configure.ac", b"AC_INIT([a], [1])\n"),
        ("water.xyz", b"3\nwater\nO 0 0 0\nH 0 0 1\nH 0 1 0\n"),
        ("well.las", b"~VERSION INFORMATION\n VERS. 2.0\n"),
        ("rpc.x", b"program A { version B { } = 1; } = 2;\n"),
    ],
)
def test_what_no_name_promises_is_unsupported(name: str, content: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        detect(_source(name, content))
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT


def test_content_wins_over_the_name() -> None:
    assert detect(_source("a.jpg", b"\x89PNG\r\n\x1a\n" + NOISE)).format == "png"
    assert detect(_source("a.mp3", b"fLaC" + NOISE)).format == "flac"


def test_a_pdf_may_start_with_other_bytes() -> None:
    assert detect(_source("a.pdf", b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.7\n")).format == "pdf"
    assert detect(_source("a", b"\0\xff\xfe%PDF-1.7\n")).format == "pdf"
    assert detect(_source("a.md", b"A PDF starts with %PDF-1.7.\n")).format == "md"


def test_no_two_kinds_share_an_extension() -> None:
    assert sum(len(kind.suffixes) for kind in KINDS.values()) == len(BY_SUFFIX)
