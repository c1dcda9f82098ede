"""Little articles out of WordNet: a thing, what it is a kind of, and the kinds there are of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from omnisearch_training.datasets.wordnet import AUDIBLE, VISIBLE, Synset, WordNet, load_wordnet

_TOPICS = [
    "dog",
    "cat",
    "horse",
    "wolf",
    "owl",
    "duck",
    "sheep",
    "cow",
    "bear",
    "whale",
    "bird of prey",
    "songbird",
    "car",
    "train",
    "ship",
    "boat",
    "airplane",
    "bicycle",
    "truck",
    "guitar",
    "piano",
    "drum",
    "violin",
    "trumpet",
    "bell",
    "rain",
    "thunderstorm",
    "wind",
    "chair",
    "lamp",
    "bed",
    "table",
    "sofa",
    "clock",
    "hammer",
]
_MOST_KINDS = 14


def write_articles(package: Path) -> Iterator[tuple[str, str, str]]:
    """Give (name, suffix, text) of every article; they take turns to be plain text, Markdown and HTML."""
    nouns = load_wordnet(package)
    kinds: dict[int, list[Synset]] = defaultdict(list)
    for synset in nouns.synsets.values():
        if synset.broader is not None:
            kinds[synset.broader].append(synset)
    offsets = {id(synset): offset for offset, synset in nouns.synsets.items()}
    for number, topic in enumerate(_TOPICS):
        meaning = nouns.meaning(topic, VISIBLE | AUDIBLE)
        if meaning is None:
            continue
        suffix, write = ((".txt", _plain), (".md", _markdown), (".html", _html))[number % 3]
        below = kinds[offsets[id(meaning)]][:_MOST_KINDS]
        yield f"about the {topic}", suffix, write(topic, _lead(topic, meaning, nouns), below)


def _lead(topic: str, meaning: Synset, nouns: WordNet) -> str:
    names = ", ".join(word for word in meaning.words if word != topic)
    also = f" It is also called {names}." if names else ""
    broader = f" It is a kind of {nouns.synsets[meaning.broader].words[0]}." if meaning.broader is not None else ""
    return f"A {topic} is this: {meaning.gloss}.{also}{broader}"


def _plain(topic: str, lead: str, kinds: Sequence[Synset]) -> str:
    lines = [f"- {kind.words[0]}: {kind.gloss}" for kind in kinds]
    return "\n".join([f"About the {topic}", "", lead, "", f"Kinds of {topic}:", *lines, ""])


def _markdown(topic: str, lead: str, kinds: Sequence[Synset]) -> str:
    lines = [f"- **{kind.words[0]}**: {kind.gloss}" for kind in kinds]
    return "\n".join([f"# About the {topic}", "", lead, "", f"## Kinds of {topic}", "", *lines, ""])


def _html(topic: str, lead: str, kinds: Sequence[Synset]) -> str:
    rows = "".join(f"<li><b>{escape(kind.words[0])}</b>: {escape(kind.gloss)}</li>\n" for kind in kinds)
    title = f"About the {escape(topic)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n<body>'
        f"<h1>{title}</h1>\n<p>{escape(lead)}</p>\n<ul>\n{rows}</ul>\n</body></html>\n"
    )
