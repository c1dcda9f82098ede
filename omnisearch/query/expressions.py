"""Expressions: terms, their sums, and the operators that combine them.

    Term("a dog") + Term(path) - 0.5 * Term("puppy")     one embedding: the weighted sum
    dog & bark | ~night                                  AND, OR, NOT of the relevances of a segment
    knock >> bark                                        THEN: one after the other in time

Expressions are data. `omnisearch.search` evaluates them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from omnisearch.paths import show_path
from omnisearch.types import Slice


@dataclass(frozen=True)
class ItemRef:
    """An item of the index by its id, or one segment of it by its index."""

    id: str
    segment: int | None = None

    def __str__(self) -> str:
        return f"id:{self.id}" if self.segment is None else f"id:{self.id}#{self.segment}"


@dataclass(frozen=True)
class UploadRef:
    """A file that a server keeps, by the id of the upload. Only that server can read it."""

    id: str

    def __str__(self) -> str:
        return f"upload:{self.id}"


class Expression:
    """The base of all expressions. `&`, `|`, `~` and `>>` are AND, OR, NOT and THEN."""

    @property
    def operands(self) -> "tuple[Expression, ...]":
        """The operands of an operator. A sum has none, because its terms become one embedding."""
        return ()

    @property
    def leaves(self) -> "tuple[Sum, ...]":
        """Its sums, from left to right."""
        return tuple(leaf for operand in self.operands for leaf in operand.leaves)

    @property
    def terms(self) -> "tuple[Term, ...]":
        """Its terms, from left to right."""
        return tuple(term for leaf in self.leaves for term in leaf.terms)

    def __and__(self, other: "Expression") -> "And":
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: "Expression") -> "Or":
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> "Not":
        return Not(self)

    def __rshift__(self, other: "Expression") -> "Then":
        return Then((*_parts(self, Then), *_parts(other, Then)))


class Summand(Expression):
    """An expression with an embedding, which can be added, subtracted and weighted: a term or a sum of terms."""

    def __add__(self, other: "Summand") -> "Sum":
        return Sum((*self.terms, *other.terms))

    def __sub__(self, other: "Summand") -> "Sum":
        return self + -1 * other

    def __rmul__(self, factor: float) -> "Sum":
        return Sum(tuple(replace(term, weight=factor * term.weight) for term in self.terms))

    def __neg__(self) -> "Sum":
        return -1 * self


@dataclass(frozen=True)
class Term(Summand):
    """One signed part of a sum: a text, a file, an indexed item, an upload, or the numbers of a raw vector.

    `slice` selects a part of a file or of an item's file. `label` is shown instead of the source.
    """

    source: str | Path | ItemRef | UploadRef | tuple[float, ...]
    weight: float = 1.0
    label: str = ""
    slice: Slice | None = None

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # A query looks up its terms hundreds of times, and a raw vector has hundreds of numbers.
        return hash((self.source, self.weight, self.label, self.slice))

    @property
    def reads_file(self) -> bool:
        """Whether embedding the term decodes a file. Files and slices of items do; whole items are in the index."""
        return isinstance(self.source, Path | UploadRef) or self.slice is not None

    @property
    def leaves(self) -> "tuple[Sum, ...]":
        """The sum of this term alone."""
        return (Sum((self,)),)

    @property
    def terms(self) -> "tuple[Term, ...]":
        """Itself."""
        return (self,)

    def __str__(self) -> str:
        at = "" if self.slice is None else f"@{self.slice}"
        if self.label:
            return self.label + at
        if isinstance(self.source, tuple):
            return f"a vector of {len(self.source)}"
        named = isinstance(self.source, ItemRef | UploadRef)
        return (str(self.source) if named else show_path(str(self.source))) + at


@dataclass(frozen=True)
class Sum(Summand):
    """Terms whose weighted embeddings are added up into one (OmniBind, section 4.4)."""

    summands: tuple[Term, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.summands)  # a search looks up its sums hundreds of times

    @property
    def leaves(self) -> "tuple[Sum, ...]":
        """Itself."""
        return (self,)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Its terms, in order."""
        return self.summands

    @property
    def added_texts(self) -> tuple[str, ...]:
        """The texts of its terms, without subtracted ones: the words of the sum are in them."""
        return tuple(text for text, _ in self.weighted_texts)

    @property
    def weighted_texts(self) -> tuple[tuple[str, float], ...]:
        """The added texts, each with its weight as a share of the largest weight of an added term."""
        most = max((term.weight for term in self.summands), default=0)
        added = [term for term in self.summands if term.weight > 0]
        return tuple((term.source, term.weight / most) for term in added if isinstance(term.source, str))

    def __str__(self) -> str:
        """Return the sum as on a command line, without quotes."""
        return "".join(_signed(term, first=n == 0) for n, term in enumerate(self.summands))


@dataclass(frozen=True)
class And(Expression):
    """AND: all operands match in one segment."""

    parts: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Its operands."""
        return self.parts


@dataclass(frozen=True)
class Or(Expression):
    """OR: any operand matches."""

    parts: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Its operands."""
        return self.parts


@dataclass(frozen=True)
class Not(Expression):
    """NOT: its operand does not match."""

    part: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Its only operand."""
        return (self.part,)


@dataclass(frozen=True)
class Then(Expression):
    """THEN: the operands match one after the other within one sound or video."""

    parts: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Its operands, the earliest first."""
        return self.parts


Operator: TypeAlias = And | Or | Not | Then


def _parts(expression: Expression, kind: type[Expression]) -> Iterator[Expression]:
    """Yield the operands of an expression of this kind, since `a & b & c` is one AND; else the expression itself."""
    yield from expression.operands if isinstance(expression, kind) else (expression,)


def _signed(term: Term, first: bool) -> str:
    sign = "- " if term.weight < 0 else "" if first else "+ "
    weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g}:"
    return f"{'' if first else ' '}{sign}{weight}{term}"
