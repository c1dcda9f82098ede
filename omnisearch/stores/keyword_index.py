"""Keywords of an item: one flat list per point, in which engines look up the words of conditions.

    path:NAME     every name in the path, and `*.ending` for each
    mime:TYPE     the type itself, and `kind/*`
    tag:TAG
    meta.KEY:VALUE

Engines have no wildcards. If keywords only approximate a pattern, the matches are checked here afterwards.
"""

from collections.abc import Iterable, Mapping

from omnisearch.query.conditions import PatternCondition
from omnisearch.query.globs import path_components


def item_keywords(path: str, mime: str, tags: Iterable[str], meta: Mapping[str, str]) -> list[str]:
    """Return the words, each once, in order."""
    names = [name for name in path.split("/") if name]
    words = [f"path:{name}" for name in names]
    words += [f"path:*.{ending}" for name in names if (ending := _ending(name))]
    if mime:
        words += [f"mime:{mime}", f"mime:{mime.partition('/')[0]}/*"]
    words += [f"tag:{tag}" for tag in tags]
    words += [f"meta.{key}:{value}" for key, value in meta.items()]
    return list(dict.fromkeys(words))


def read_keywords(words: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the tags and the metadata that are among the words."""
    tags: list[str] = []
    meta: dict[str, str] = {}
    for word in words:
        if word.startswith("tag:"):
            tags.append(word.removeprefix("tag:"))
        elif word.startswith("meta."):
            key, _, value = word.removeprefix("meta.").partition(":")
            meta[key] = value
    return tuple(tags), meta


def narrowed(condition: PatternCondition) -> tuple[list[str], bool]:
    """Return words that all matching items have (negation is ignored), and whether all items with these words match."""
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
