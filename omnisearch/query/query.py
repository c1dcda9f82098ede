"""A query: an expression, and the options of the search for it."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from omnisearch.errors import QueryError
from omnisearch.query.area import Area
from omnisearch.query.conditions import Condition
from omnisearch.query.expressions import Expression, Term
from omnisearch.types import Modality

MAX_SEGMENTS = 100

# `taken` is the time at which an item was taken, or the time of its last change where that is unknown.
Sort: TypeAlias = Literal["relevance", "taken", "modified", "name"]
Group: TypeAlias = Literal["", "modality", "day"]


@dataclass(frozen=True)
class Quota:
    """The number of hits of a modality in one list: at least and at most. None means no bound."""

    modality: Modality
    least: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least < 0 or (self.most is not None and self.most < self.least):
            raise QueryError(f"{self.modality}: at least {self.least} and at most {self.most} cannot both hold")

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """Parse `image:2-5`, `image:2-` (at least), `image:-5` (at most) or `image:3` (both).

        Raises:
            QueryError: the text is malformed, or names no modality.
        """
        found = re.fullmatch(r"([a-z_]+):(\d{0,4})(-?)(\d{0,4})", text)
        if found is None or found[1] not in set(Modality) or not (found[2] or found[4]):
            raise QueryError(f"the quota {text!r} is not written like image:2-5; modalities: {', '.join(Modality)}")
        most = found[4] if found[3] else found[2]
        return cls(Modality(found[1]), int(found[2] or 0), int(most) if most else None)


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options of a search, which Python, the command line and HTTP share.

    `modalities` are those of the hits, and `limit` is the number of hits. With `include_self`, items that the query
    names may be hits. Every hit meets all conditions of `where`, and lies in the
    `area` of the map if that has corners. `sort` is the order of the hits: the most relevant
    first, the last taken or modified first, or by name. The group `modality` returns `limit` hits of each modality in
    turn, and `day` puts the hits of each day together, the last day first; otherwise there is one list, which meets the
    `quotas`. `fold` hides near-duplicates under the best of them. A hit shows up to `segments` of its best segments.
    `like` and `unlike` are ids of items to move towards and away from. `cursor` is the `next_cursor` of the previous
    page. Hits below `min_relevance` are left out; where the most relevant hits do not come first, its default is the
    threshold of `nothing_matches`. `words` also finds items that have the words of the query in their name, labels or
    text. `explain` adds the contributions of terms and spaces.
    """

    modalities: tuple[Modality, ...] = tuple(Modality)
    limit: int = 10
    where: tuple[Condition, ...] = ()
    area: Area = ()
    sort: Sort = "relevance"
    group: Group = ""
    quotas: tuple[Quota, ...] = ()
    fold: bool = True
    segments: int = 3
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    cursor: str = ""
    include_self: bool = False
    min_relevance: float = 0.0
    words: bool = True
    explain: bool = False

    def query(self, expression: Expression) -> "Query":
        """Return the query of an expression with these options."""
        return Query(expression, **vars(self))


@dataclass(frozen=True)
class Query(SearchOptions):
    """An expression with the options of the search for it: `Query(Term("a dog"), limit=5)`."""

    expression: Expression

    @property
    def has_cut(self) -> bool:
        """Whether the most relevant hits need not come first, so that only relevant items are hits."""
        return self.sort != "relevance" or self.group == "day"

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of its expression."""
        return self.expression.terms
