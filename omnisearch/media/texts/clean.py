"""Clean text block by block: composed characters, one kind of line end, no control characters."""

import unicodedata
from collections.abc import Iterable, Iterator
from io import IncrementalNewlineDecoder

# At most this many characters are held back until a character that can begin a block.
_WAITING = 4096


def clean(blocks: Iterable[str]) -> Iterator[str]:
    """Yield the text in NFC without control, format and private characters; tabs and line ends stay.

    White space at both ends is dropped. The result does not depend on where the blocks are cut.
    """
    return _trimmed(_composed(_visible(_lines(blocks))))


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    decoder = IncrementalNewlineDecoder(None, translate=True)
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode("", final=True)


def _visible(blocks: Iterable[str]) -> Iterator[str]:
    for block in blocks:
        hidden = [c for c in set(block) if c not in "\n\t" and unicodedata.category(c)[0] == "C"]
        yield block.translate(dict.fromkeys(map(ord, hidden))) if hidden else block


def _composed(blocks: Iterable[str]) -> Iterator[str]:
    """Apply NFC. The end of a block is held back, because the next block may begin with combining marks."""
    waiting = ""
    for block in blocks:
        text = waiting + block
        cut = len(text)
        for cut in range(len(text) - 1, max(len(text) - _WAITING, 0) - 1, -1):
            if _starts(text[cut]):
                break
        yield unicodedata.normalize("NFC", text[:cut])
        waiting = text[cut:]
    yield unicodedata.normalize("NFC", waiting)


def _starts(character: str) -> bool:
    """Whether a character never combines with the one before it; true for ASCII, CJK and Hangul syllables."""
    return character.isascii() or ("\u3000" <= character <= "\ud7a3" and unicodedata.category(character)[0] != "M")


def _trimmed(blocks: Iterable[str]) -> Iterator[str]:
    started, blank = False, list[str]()
    for block in blocks:
        body = block.rstrip()
        if body:
            yield from blank
            yield body if started else body.lstrip()
            started, blank = True, []
        if started and len(body) < len(block):
            blank.append(block[len(body) :])
