"""Check a model with the samples that ship: judge all directions between modalities and languages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.binding.direction import Direction, Grade, judge
from omnisearch.binding.model import OmniBind
from omnisearch.meter import SILENT, Meter
from omnisearch.samples.drawings import make_drawing
from omnisearch.samples.modelling import make_object
from omnisearch.samples.shapes import SHAPES
from omnisearch.samples.sounds import SOUNDS, make_sound
from omnisearch.samples.things import LANGUAGES, THINGS
from omnisearch.types import Content, Floats, Modality, Role

ENGLISH = "en"
ENGLISH_OR_MEDIA = (ENGLISH, *Modality)
_VERIFY = "run `omnisearch models verify {}`"
SAME = 1 - 1e-5  # rows with a larger mean cosine are equal
COLLAPSED = 0.98  # rows of different things with a larger mean cosine hardly depend on the content
HUB = 0.5  # a thing that is nearest to a larger share of the others explains a direction at chance


@dataclass(frozen=True)
class Report:
    """The outcome of a check: the directions, the faults that make a model unusable, and notes on what is weak."""

    directions: tuple[Direction, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def works(self) -> bool:
        """True if the check found no fault."""
        return not self.faults


@dataclass(frozen=True, eq=False)
class _Rows:
    """The unit rows (n, dim) of n things in one modality; `label` also names the language."""

    modality: Modality
    label: str
    things: tuple[str, ...]
    rows: Floats


def check_model(model: OmniBind, meter: Meter = SILENT, things: Sequence[str] = tuple(THINGS)) -> Report:
    """Embed the things in all modalities and languages, and judge all directions. Videos are not checked.

    Raises:
        ModelMissingError: a weight file is not on this machine.
        WeightsError: a weight file does not fit.
    """
    offered = _offered(model, meter, things)
    asked = [*_asked(model, things), *(each for each in offered if each.modality is not Modality.TEXT)]
    meant = [each for each in asked if each.label in ENGLISH_OR_MEDIA]
    faults = dict.fromkeys(fault for each in (*offered, *meant) if (fault := _fault(model, each)))
    if faults:
        return Report((), tuple(faults), ())
    found = tuple(
        _judge(one, other)
        for one in asked
        for other in offered
        if one.modality is not other.modality or one.label not in (ENGLISH, other.label)
    )
    return Report(found, tuple(_broken(model, found)), tuple(_notes(found)))


def _checked(model: OmniBind) -> list[Modality]:
    return [modality for modality in model.modalities if modality is not Modality.VIDEO]


def _offered(model: OmniBind, meter: Meter, things: Sequence[str]) -> list[_Rows]:
    found = []
    meter.start(len(things) * len(_checked(model)))
    for modality in _checked(model):
        shown = [thing for thing in things if _is_shown(thing, modality)]
        rows = []
        for thing in shown:
            rows.append(model.encode(modality, [_content(thing, modality)], Role.DOCUMENT))
            meter.advance(1)
        meter.advance(len(things) - len(shown))
        found.append(_Rows(modality, str(modality), tuple(shown), np.concatenate(rows)))
    return found


def _asked(model: OmniBind, things: Sequence[str]) -> list[_Rows]:
    if Modality.TEXT not in model.modalities:
        return []
    return [
        _Rows(Modality.TEXT, language, tuple(things), model.encode(Modality.TEXT, names, Role.QUERY))
        for language in LANGUAGES
        for names in [[getattr(THINGS[thing], language) for thing in things]]
    ]


def _is_shown(thing: str, modality: Modality) -> bool:
    return thing in {Modality.AUDIO: SOUNDS, Modality.POINT_CLOUD: SHAPES}.get(modality, THINGS)


def _content(thing: str, modality: Modality) -> Content:
    if modality is Modality.TEXT:
        return THINGS[thing].en
    if modality is Modality.IMAGE:
        return make_drawing(thing)
    return make_sound(thing) if modality is Modality.AUDIO else make_object(thing)


def _judge(asked: _Rows, offered: _Rows) -> Direction:
    things = [thing for thing in asked.things if thing in offered.things]
    rows = (each.rows[[each.things.index(thing) for thing in things]] for each in (asked, offered))
    return judge(asked.label, offered.label, things, *rows)


def _fault(model: OmniBind, shown: _Rows) -> str:
    """Return what is wrong with the rows of a modality alone; empty if nothing is."""
    rows, what = shown.rows, f"{shown.modality} ({_towers(model, shown.modality)})"
    wrong = int((~np.isfinite(rows).all(axis=1)).sum())
    if wrong:
        return f"{what}: {wrong} of {len(rows)} embeddings are not finite; set precision to bf16 or fp32"
    absent = int((~rows.any(axis=1)).sum())
    if absent:
        return f"{what}: {absent} of {len(rows)} embeddings are zero; {_VERIFY.format(model.name)}"
    mean = float((rows @ rows.T)[~np.eye(len(rows), dtype=bool)].mean()) if len(rows) > 1 else 0.0
    if mean > SAME:
        return f"{what}: all {len(rows)} embeddings are equal; {_VERIFY.format(model.name)}"
    if mean > COLLAPSED:
        said = f"different things have a mean cosine of {mean:.3f}, so the content hardly matters"
        return f"{what}: {said}; {_VERIFY.format(model.name)}"
    return ""


def _broken(model: OmniBind, found: Sequence[Direction]) -> Iterator[str]:
    """Yield the modalities whose directions are all at chance; languages that are not understood do not count."""
    judged = [each for each in found if each.source in ENGLISH_OR_MEDIA]
    if judged and all(each.grade is Grade.CHANCE for each in judged):
        yield f"no direction is better than chance: {model.name} relates nothing; {_VERIFY.format(model.name)}"
        return
    for modality in _checked(model):
        names = {str(modality), ENGLISH} if modality is Modality.TEXT else {str(modality)}
        own = [each for each in judged if names & {each.source, each.target}]
        if own and all(each.grade is Grade.CHANCE for each in own):
            said = f"none of its {len(own)} directions is better than chance"
            yield f"{modality} ({_towers(model, modality)}): {said}; {_VERIFY.format(model.name)}"


def _notes(found: Sequence[Direction]) -> Iterator[str]:
    languages = [each for each in LANGUAGES if each != ENGLISH]
    unread = [
        language
        for language in languages
        if all(each.grade is Grade.CHANCE for each in found if each.source == language)
    ]
    if unread and any(each.source in languages for each in found):
        yield f"names in {', '.join(unread)} are not understood"
    for each in found:
        if each.grade is Grade.CHANCE and each.source not in languages:
            hub = f": {each.hub!r} is nearest to {each.hub_size} of them" if each.hub_size > HUB * each.count else ""
            yield f"{each.source} to {each.target} is not better than chance ({each.right} of {each.count} right{hub})"
        elif each.grade is Grade.WEAK and each.source not in languages:
            yield f"{each.source} to {each.target} is weak ({each.right} of {each.count} right)"


def _towers(model: OmniBind, modality: Modality) -> str:
    names = dict.fromkeys(model.towers(modality).values())
    return f"the tower{'s' if len(names) > 1 else ''} {', '.join(names)}"
