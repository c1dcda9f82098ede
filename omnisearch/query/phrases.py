"""Phrases: parts of a text in double quotes, which must occur as they are written.

invoice "acme corp"        the phrase `acme corp`
a 5" disk                  no phrase
"""

import re

_INNER = '[^"\u201c\u201d\u201e]*'
_QUOTED = re.compile(rf'(?<!\w)["\u201c\u201e](?=\S)({_INNER}\w{_INNER})(?<=\S)["\u201d\u201c](?!\w)')


def phrases(text: str) -> tuple[str, ...]:
    """Return the phrases of a text, without their quotes."""
    return tuple(found.strip() for found in _QUOTED.findall(text))


def without_quotes(text: str) -> str:
    """Return a text without the quotes around its phrases."""
    return _QUOTED.sub(r"\1", text)
