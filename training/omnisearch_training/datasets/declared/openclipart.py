"""Openclipart: drawings by many hands, with titles and keywords."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from omnisearch.types import Modality
from omnisearch_training.datasets.base import Declaration, Draft, Workshop
from omnisearch_training.datasets.captions import clean_title, with_keywords, words_of
from omnisearch_training.datasets.fetch_package import Package, Registry
from omnisearch_training.datasets.raster import rasterise
from omnisearch_training.datasets.wordnet import WORDNET, WordNet, load_wordnet

OPENCLIPART = Package(Registry.DEBIAN, "openclipart-svg")

# Folders of signs rather than of pictures, and of copies.
_NOISE = re.compile(
    r"unsorted/duplicates|computer/(icons|buttons|folders|diagrams)|games/cards|symbols/(flags|led|map_symbols|clocks)|"
    r"special/|shapes/|buttons/|logos/|aiga-symbols|roadsigns|games/dice"
)
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
# Placeholders of packagers and drawing programs in keyword fields.
_EMPTY_WORDS = re.compile(
    r"clip ?art|externalsource|svg|inkscape|unsorted|^hash|uploader|remix|^\W*$|icon|architetto|stuff$|^symbol$|_",
    re.IGNORECASE,
)
_EMPTY_DESCRIPTION = re.compile(
    r"inkscape|public domain|released|copyright|licen[sc]e|clip ?art|http|www", re.IGNORECASE
)
_LARGEST = 1_500_000  # bytes; a handful of traced photographs take minutes to draw


@dataclass(frozen=True)
class _Labels:
    title: str
    keywords: list[str]
    description: str


def read(workshop: Workshop) -> Iterator[Draft]:
    """Draw every picture that has a title in words."""
    root = workshop.packages[OPENCLIPART.name] / "usr/share/openclipart/svg"
    nouns = load_wordnet(workshop.packages[WORDNET.name])
    drawings: list[tuple[Path, Draft]] = []
    for path in sorted(root.rglob("*.svg")):
        key = path.relative_to(root).with_suffix("").as_posix()
        if _NOISE.search(key) or path.stat().st_size > _LARGEST:
            continue
        draft = _draft(path, key, workshop.out, nouns)
        if draft is not None:
            drawings.append((path, draft))
    drawn = rasterise((path, draft.files[Modality.IMAGE]) for path, draft in drawings)
    yield from (draft for (_, draft), good in zip(drawings, drawn, strict=True) if good)


def _draft(path: Path, key: str, out: Path, nouns: WordNet) -> Draft | None:
    labels = _labels(path)
    if labels is None:
        return None
    name = _name(labels, path.stem, nouns)
    if name is None:
        return None
    more = [*with_keywords(name, [*labels.keywords, *key.split("/")[1:-1]])]
    if len(labels.description.split()) > 3 and not _EMPTY_DESCRIPTION.search(labels.description):
        more.append(f"{name}: {labels.description[:300]}")
    meaning = nouns.explain(name)
    picture = out / f"{key.replace('/', '-')}.png"
    return Draft(key, name, {Modality.IMAGE: picture}, (*more, *([meaning] if meaning else ())))


def _labels(path: Path) -> _Labels | None:
    title, description, keywords = "", "", []
    try:
        for _, node in ElementTree.iterparse(path):  # noqa: S314  (a Debian package's own files)
            if node.tag == f"{_DUBLIN_CORE}title" and not title:
                title = clean_title(node.text or "")
            elif node.tag == f"{_DUBLIN_CORE}description" and not description:
                description = " ".join((node.text or "").split())
            elif node.tag == _RDF_ITEM and node.text:
                keywords.append(node.text.strip())
            elif node.tag.endswith("}metadata"):
                break
    except ElementTree.ParseError:
        return None
    return _Labels(title, [word for word in keywords if not _EMPTY_WORDS.search(word)], description)


def _name(labels: _Labels, stem: str, nouns: WordNet) -> str | None:
    """The title if it is in English, else a name from the keywords or the file name."""
    if len(labels.title) > 2 and _known(labels.title.split(), nouns) and not _EMPTY_WORDS.search(labels.title):
        return labels.title[:80]
    known = _known(labels.keywords, nouns) or _known(words_of(stem).split(), nouns)
    return " ".join(known[:2]) or None


def _known(words: list[str], nouns: WordNet) -> list[str]:
    return [word for word in words if len(word) > 2 and nouns.knows(word.replace(" ", "_"))]


DECLARATION = Declaration(
    name="openclipart",
    about="drawings of everything, with titles and keywords",
    modalities=(Modality.IMAGE,),
    packages=(OPENCLIPART, WORDNET),
    licence="public domain",
    expected=2880,
    read=read,
)
