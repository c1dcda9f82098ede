"""Make captions from titles, file names and folders."""

import re

_TRAILING = re.compile(r"[\s\d._#()-]+$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-zA-Z])(?=\d)|(?<=\d)(?=[a-zA-Z])")


def clean_title(title: str) -> str:
    """Make a title plain: "Siamese_cat 02 (remix)" is `Siamese cat`."""
    spaced = re.sub(r"[\s_]+", " ", re.sub(r"\([^)]*\)|\.svg\b", " ", title)).strip()
    return _TRAILING.sub("", spaced).strip(" \"'.,:;!")


def words_of(stem: str) -> str:
    """Read the words in a file's name: "WolfGrowl-02" is `wolf growl`. Numbers are takes and are dropped."""
    spaced = _CAMEL.sub(" ", re.sub(r"[_\-.+]+", " ", stem))
    return " ".join(word.lower() for word in spaced.split() if not word.isdigit())


def with_keywords(name: str, keywords: list[str], most: int = 8) -> tuple[str, ...]:
    """Make a caption of the name and its keywords; none if no keyword adds to the name."""
    known = {name.lower(), *name.lower().split()}
    fresh = list(dict.fromkeys(word for word in keywords if word and word.lower() not in known))[:most]
    return (f"{name}, {', '.join(fresh)}",) if fresh else ()
