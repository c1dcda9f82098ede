"""Messages between processes: what is sent arrives, what is malformed is refused."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from omnisearch import wire

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9) | st.none(), max_size=3),
    st.lists(
        arrays.arrays(st.sampled_from(sorted(wire.DTYPES)), arrays.array_shapes(min_side=0, max_side=4)), max_size=3
    ),
)
def test_what_is_sent_arrives(body: dict[str, object], sent: list[np.ndarray]) -> None:
    left, right = socket.socketpair()
    with left, right:
        wire.send(left, wire.Message(body, {str(i): array for i, array in enumerate(sent)}))
        got = wire.receive(right, 1 << 20)
        assert got is not None
        assert got.body == body
        for i, array in enumerate(sent):
            np.testing.assert_array_equal(got.arrays[str(i)], array)
            assert got.arrays[str(i)].dtype == array.dtype


def test_a_clean_end_is_none(pair: Pair) -> None:
    pair[0].close()
    assert wire.receive(pair[1], 10) is None


def frame(head: object) -> bytes:
    data = json.dumps(head).encode()
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\x01\x00", "ended after 2 of 4"),
        (struct.pack("<I", 10) + b"{}", "ended after 2 of 10"),
        (struct.pack("<I", wire.MAX_HEAD + 1), "over the limit"),
        (frame([]), "not a message"),
        (frame({"body": {}, "arrays": [["x", "object", [1]]]}), "dtype object"),
        (frame({"body": {}, "arrays": [["x", "uint8", [-1]]]}), "shape"),
        (frame({"body": {}, "arrays": [["x", "float64", [1 << 40, 1 << 40]]]}), "over the limit"),
        (frame({"body": {}, "arrays": [["x", "uint8", [11]]]}), "over the limit"),
        (frame({"body": {}, "arrays": [["x", "uint8", [9]]]}) + b"1234", "ended after 4 of 9"),
    ],
)
def test_what_is_malformed_is_refused(pair: Pair, data: bytes, named: str) -> None:
    pair[0].sendall(data)
    pair[0].close()
    with pytest.raises(wire.WireError, match=named):
        wire.receive(pair[1], 10)


def test_many_arrays_larger_than_the_buffer_of_the_socket_arrive_whole(pair: Pair) -> None:
    sent = {f"x{n}": np.full(n * 97 % 4096, n, np.int64) for n in range(3 * wire.MOST_PARTS)}
    sending = threading.Thread(target=wire.send, args=(pair[0], wire.Message({}, sent)))
    sending.start()
    got = wire.receive(pair[1], 1 << 30)
    sending.join()
    assert got is not None
    assert all(np.array_equal(got.arrays[name], array) for name, array in sent.items())


def test_sending_to_nobody_is_an_error(pair: Pair) -> None:
    pair[1].close()
    with pytest.raises(wire.WireError, match="gone"):
        wire.send(pair[0], wire.Message({}, {"x": np.zeros(1 << 20)}))


def test_half_a_character_is_replaced(pair: Pair) -> None:
    wire.send(pair[0], wire.Message({"detail": "there is no \ud800.bin"}))
    got = wire.receive(pair[1], 0)
    assert got is not None
    assert got.body == {"detail": "there is no ?.bin"}


def test_half_a_character_that_is_sent_all_the_same_is_refused(pair: Pair) -> None:
    head = b'{"body": {"detail": "\\ud800"}, "arrays": []}'
    pair[0].sendall(struct.pack("<I", len(head)) + head)
    with pytest.raises(wire.WireError):
        wire.receive(pair[1], 0)


def test_a_message_that_never_ends_is_not_waited_for(pair: Pair) -> None:
    pair[0].sendall(struct.pack("<I", 10) + b"{}")
    begun = time.monotonic()
    with pytest.raises(wire.WireTimeoutError, match="a part"):
        wire.receive(pair[1], 10, begun + 0.2)
    assert time.monotonic() - begun >= 0.2
    assert pair[1].gettimeout() is None  # sending still waits


def test_a_message_that_comes_in_time_arrives(pair: Pair) -> None:
    sent = np.arange(1 << 18)
    sending = threading.Thread(target=wire.send, args=(pair[0], wire.Message({}, {"x": sent})))
    sending.start()
    got = wire.receive(pair[1], 1 << 30, time.monotonic() + 60)
    sending.join()
    assert got is not None
    np.testing.assert_array_equal(got.arrays["x"], sent)
