"""Encoding for queries: contents of several threads share one pass of the encoders."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.search.microbatch import MicroBatcher
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.types import Content, Modality, Role, SpaceEmbeddings

# Contents of one call that are encoded at a time. In between, other calls are served and the budget is checked.
TEXTS_AT_ONCE, MEDIA_AT_ONCE = 16, 4
# The most calls that share a pass.
SHARED = 16


@dataclass(frozen=True, eq=False)
class _Job:
    model: OmniBind
    contents: Sequence[Content]
    role: Role


_Outcome: TypeAlias = SpaceEmbeddings | Exception


class Encoders:
    """Encodes with the frozen spaces of bound models. Safe to use from several threads.

    Each modality has a queue for each role, so texts never wait for media, nor queries for documents. A queue runs one
    pass at a time, because one pass uses all cores.
    """

    def __init__(self) -> None:
        self._lanes = {
            (modality, role): MicroBatcher[_Job, _Outcome](partial(_encode, modality), SHARED)
            for modality in Modality
            for role in Role
        }

    def encode_spaces(
        self,
        model: OmniBind,
        modality: Modality,
        contents: Sequence[Content],
        role: Role,
        budget: Budget = UNLIMITED,
    ) -> SpaceEmbeddings:
        """Run the spaces on n > 0 contents of one modality in one role; see `OmniBind.encode_spaces`.

        Raises:
            StoppedError: the budget's `stopped()` became true.
        """
        step = TEXTS_AT_ONCE if modality is Modality.TEXT else MEDIA_AT_ONCE
        done: list[SpaceEmbeddings] = []
        for first in range(0, len(contents), step):
            budget.check()
            outcome = self._lanes[modality, role].ask(_Job(model, contents[first : first + step], role))
            if isinstance(outcome, Exception):
                raise outcome
            done.append(outcome)
        return {key: np.concatenate([each[key] for each in done]) for key in done[0]}


def _encode(modality: Modality, jobs: Sequence[_Job]) -> list[_Outcome]:
    """Encode the contents of several jobs of one role in one pass.

    If it fails, encode each alone, so that one gets the error.
    """
    model = jobs[0].model
    contents = [content for job in jobs for content in job.contents]
    if any(job.model is not model for job in jobs):  # the index was just replaced
        return [_encode(modality, [job])[0] for job in jobs]
    try:
        rows = model.encode_spaces(modality, contents, jobs[0].role, model.share)
    except Exception as error:
        return [error] if len(jobs) == 1 else [_encode(modality, [job])[0] for job in jobs]
    ends = np.cumsum([len(job.contents) for job in jobs])[:-1]
    split = {key: np.split(each, ends) for key, each in rows.items()}
    return [{key: parts[n] for key, parts in split.items()} for n in range(len(jobs))]
