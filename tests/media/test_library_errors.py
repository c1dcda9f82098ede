"""Messages of media libraries reach users without Python's object names, error numbers and classes."""

import io
import resource
import struct
import tokenize

import av.error
import pytest
from PIL import Image, UnidentifiedImageError

from omnisearch.errors import MediaError, Reason, reason_message
from omnisearch.media.kinds import KINDS
from omnisearch.media.library_errors import as_media_error, memory_limit


def _pillow() -> Exception:
    try:
        Image.open(io.BytesIO(b"nothing"))
    except UnidentifiedImageError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_pillow(), Reason.DAMAGED),
        (av.error.InvalidDataError(1094995529, "Invalid data found when processing input", "3"), Reason.DAMAGED),
        (tokenize.TokenError("EOF in multi-line statement", (2, 0)), Reason.DAMAGED),
        (struct.error("unpack requires a buffer of 4 bytes"), Reason.DAMAGED),
        (KeyError("POSITION"), Reason.DAMAGED),
        (OSError("image file is truncated (12 bytes not processed)"), Reason.DAMAGED),
        (RecursionError("maximum recursion depth exceeded"), Reason.DECODE_ERROR),
        (ValueError(""), Reason.DECODE_ERROR),
        (ValueError("could not convert string to float: 'q-1.0'"), Reason.DECODE_ERROR),
        (ValueError("cannot reshape array of size 5 into shape (4,3)"), Reason.DECODE_ERROR),
        (ZeroDivisionError("integer division or modulo by zero"), Reason.DECODE_ERROR),
        (AttributeError("'list' object has no attribute 'items'"), Reason.DECODE_ERROR),
        (TypeError("'NoneType' object is not subscriptable"), Reason.DECODE_ERROR),
        (OSError(5, "Input/output error", "3"), Reason.DECODE_ERROR),
    ],
)
def test_a_message_is_for_users(error: Exception, reason: Reason) -> None:
    told = as_media_error(error, KINDS["png"])
    assert told.reason is reason
    assert told.detail.startswith("png: ")
    assert len(told.detail) > len("png: ")
    for noise in ("<_io", "object", "Errno", "Error", "'3'", "('", "float", "reshape", "modulo"):
        assert noise not in told.detail


def test_a_memory_limit_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (512 << 20, 512 << 20))
    assert as_media_error(MemoryError()).detail == "the limit is 512 MiB"
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert memory_limit() == ""


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert "\x1b" not in as_media_error(OSError("\x1b[31mred")).detail


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_is_wrong_and_what_to_do(reason: Reason) -> None:
    assert Reason(str(reason)) is reason
    message = str(MediaError(reason, "17"))
    assert message == reason_message(reason, "17")
    assert message.startswith(f"{reason}: {reason.what} (17); ")
    assert len(reason.what) > 8
    assert len(reason.remedy) > 8
