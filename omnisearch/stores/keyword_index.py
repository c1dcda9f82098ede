"""Keywords of an item: one flat list per point, in which engines look up the words of conditions.

    path:NAME     every name in the path, and `*.ending` for each
    name:NAME     the name of the file, in lower case
    mime:TYPE     the type itself, and `kind/*`
    tag:TAG
    meta.KEY:VALUE
    camera:WORD   every folded word of the texts of the metadata: also lens, place, artist, album, genre
    language:CODE
    has:WHAT
    day:MONTH-DAY

Engines have no wildcards. If keywords only approximate a pattern, the matches are checked here afterwards.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from omnisearch.metadata import Metadata
from omnisearch.query.conditions import TEXTS, PatternCondition, WordCondition, values_of_has
from omnisearch.query.folding import folded_words
from omnisearch.query.globs import path_components

# The beginnings of the words of labels.
_LABELS = ("tag:", "meta.")


def item_keywords(
    path: str,
    mime: str,
    tags: Iterable[str],
    meta: Mapping[str, str],
    metadata: Metadata,
    has: Sequence[str],
    languages: Sequence[str],
) -> list[str]:
    """Return the words, each once, in order."""
    names = [name for name in path.split("/") if name]
    words = [f"path:{name}" for name in names]
    words += [f"path:*.{ending}" for name in names if (ending := _ending(name))]
    words += [f"name:{same_name(name)}" for name in names[-1:]]
    if mime:
        words += [f"mime:{mime}", f"mime:{mime.partition('/')[0]}/*"]
    words += [f"tag:{tag}" for tag in tags]
    words += [f"meta.{key}:{value}" for key, value in meta.items()]
    words += [f"{field}:{word}" for field in TEXTS for word in folded_words(getattr(metadata, field))]
    words += [f"language:{code}" for code in (metadata.language, *languages) if code]
    words += [f"has:{name}" for name in values_of_has(metadata, has)]
    words += [f"day:{metadata.day}"] if metadata.day else []
    return list(dict.fromkeys(words))


def same_name(name: str) -> str:
    """Return a name or a path in the form in which they are compared: some systems decompose the letters of names."""
    return unicodedata.normalize("NFC", name).casefold()


def read_keywords(words: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the tags and the metadata that are among the words."""
    tags: list[str] = []
    meta: dict[str, str] = {}
    for word in words:
        if not word.startswith(_LABELS):
            continue
        if word.startswith("tag:"):
            tags.append(word.removeprefix("tag:"))
        else:
            key, _, value = word.removeprefix("meta.").partition(":")
            meta[key] = value
    return tuple(tags), meta


def narrowed(condition: PatternCondition | WordCondition) -> tuple[list[str], bool]:
    """Return words that all matching items have (negation is ignored), and whether all items with these words match."""
    if isinstance(condition, WordCondition):
        return [f"{condition.field}:{word}" for word in condition.words], True
    if condition.field != "path":
        return [f"{condition.field}:{condition.pattern}"], True
    names = path_components(condition.pattern)
    words = [word for name in names if (word := _word(name)) is not None]
    anywhere = len(names) == 2 and names[0] == "**"
    return [f"path:{word}" for word in words], anywhere and len(words) == 1 and _is_exact(names[1])


def _word(pattern: str) -> str | None:
    """Return the word of every name that the pattern matches; None if there is none."""
    if not _has_wildcard(pattern):
        return pattern
    ending = _ending(pattern)
    return f"*.{ending}" if ending and not _has_wildcard(ending) else None


def _is_exact(pattern: str) -> bool:
    return not _has_wildcard(pattern) or (pattern.startswith("*.") and pattern.count(".") == 1)


def _ending(name: str) -> str:
    return name.rpartition(".")[2] if "." in name else ""


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text
