"""Mutants: copies of good files with damage of many kinds, made by a seeded generator."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

Mutation: TypeAlias = Callable[[bytearray, np.random.Generator], bytearray]

_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutants(path: Path, folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Write `count` mutants of a file into `folder` and yield their paths; each has one to three mutations."""
    good = path.read_bytes()
    rng = np.random.default_rng([seed, *path.name.encode()])
    for number in range(count):
        data = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)
        mutant = folder / f"{path.stem}-{number:04}{path.suffix}"
        mutant.write_bytes(bytes(data) or b"\0")
        yield mutant


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Flip 1 to 16 bits anywhere."""
    for _ in range(rng.integers(1, 17)):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return data


def flip_head(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Replace 1 to 8 of the first 256 bytes, where formats keep their sizes and counts."""
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(min(len(data), 256))] = int(rng.integers(256))
    return data


def extreme_number(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Write an extreme number of 1, 2 or 4 bytes, in either byte order."""
    size, order = int(rng.choice([1, 2, 4])), ("big", "little")[rng.integers(2)]
    place = int(rng.integers(max(1, min(len(data) - size, 4096))))
    value = _EXTREMES[rng.integers(len(_EXTREMES))] % (1 << 8 * size)
    data[place : place + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
    return data


def cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Drop the end."""
    return data[: max(1, int(rng.integers(len(data))))]


def drop_range(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Drop up to 1,000 bytes from the middle."""
    start = int(rng.integers(len(data)))
    del data[start : start + int(rng.integers(1, 1000))]
    return data or bytearray(1)


def zero_range(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Fill up to 4,096 bytes with zeros, as a lost page of a disk."""
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 4096)))
    data[start:end] = bytes(end - start)
    return data


def random_range(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Fill up to 256 bytes with noise."""
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 256)))
    data[start:end] = rng.bytes(end - start)
    return data


def repeat_range(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Insert up to 4,096 bytes of the file a second time, somewhere else."""
    start, place = (int(n) for n in rng.integers(len(data), size=2))
    data[place:place] = data[start : start + int(rng.integers(1, 4096))]
    return data


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_head, extreme_number, cut, drop_range, zero_range, random_range, repeat_range,
)  # fmt: skip
