"""Expressions as JSON: a term is an object, a list of terms is their sum, and operators contain their operands.

{"and": [{"text": "a dog"}, {"not": {"text": "a puppy"}}, [{"text": "rain"}, {"file": "part1", "weight": -0.5}]]}
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from omnisearch.api.safe_strings import SafeStr, SafeText, no_surrogates
from omnisearch.query.expressions import And, Expression, ItemRef, Not, Or, Sum, Term, Then
from omnisearch.query.slices import parse_slice
from omnisearch.types import Slice

MAX_TERMS = 16
MAX_DEPTH = 8
MAX_DIM = 8192
MAX_WEIGHT = 10


def _not_zero(weight: float) -> float:
    if weight == 0:
        raise ValueError("is zero: leave the term out")
    return weight


def _slice(text: object) -> Slice:
    """Parse a slice as a field, so that the error points at it."""
    if (found := parse_slice(_SLICE.validate_python(text))) is None:
        raise ValueError("is not a slice: write 12.5-15 for seconds, x,y,width,height for a region, p3 for a page")
    return found


ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
UploadId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Weight = Annotated[float, Field(allow_inf_nan=False, ge=-MAX_WEIGHT, le=MAX_WEIGHT), AfterValidator(_not_zero)]
# The name of a file in answers, at most as long as a path.
Label = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(no_surrogates)]
SliceText = Annotated[str, StringConstraints(max_length=64)]
_SLICE: TypeAdapter[str] = TypeAdapter(SliceText)
SliceIn = Annotated[Slice, PlainValidator(_slice), WithJsonSchema(_SLICE.json_schema())]
Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^https://[!-~]+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Upload(BaseModel):
    """A file of a request: its temporary path, and the name that the user gave."""

    path: Path
    label: str


class Strict(BaseModel):
    """A request object: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TermIn(Strict):
    """A term: exactly one of `text`, `file` (the name of a multipart part), `upload_id`, `url`, `item_id` and `vector`.

    `url` is a file that the server fetches over HTTPS, if its settings allow it.

    `slice` is a part of the file, or of the item's file; `segment` is one segment of the item by its index. `label` is
    the name of the file in the answer; by default, it is the name of its part.
    """

    text: SafeText | None = None
    file: SafeStr | None = None
    upload_id: UploadId | None = None
    url: Url | None = None
    item_id: ItemId | None = None
    vector: Annotated[list[Number], Field(min_length=1, max_length=MAX_DIM)] | None = None
    weight: Weight = 1.0
    slice: SliceIn | None = None
    segment: Annotated[int, Field(ge=0)] | None = None
    label: Label | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "TermIn":
        sources = (self.text, self.file, self.upload_id, self.url, self.item_id, self.vector)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("a term is exactly one of text, file, upload_id, url, item_id and vector")
        if self.slice is not None and self.file_key is None and self.item_id is None:
            raise ValueError("a slice is a part of a file, of an upload_id, of a url or of an item_id")
        if self.segment is not None and (self.item_id is None or self.slice is not None):
            raise ValueError("a segment is one of an item_id, and goes without a slice")
        if self.label is not None and self.file_key is None:
            raise ValueError("a label names a file, an upload_id or a url")
        return self

    @property
    def file_key(self) -> str | None:
        """The name under which `expression` finds the file of the term; None if it has none."""
        return next((key for key in (self.file, self.upload_id, self.url) if key is not None), None)

    @property
    def operands(self) -> "tuple[Any, ...]":
        """Empty: a term is a leaf."""
        return ()

    def expression(self, files: Mapping[str, Upload]) -> Term:
        """Return the term; `files` holds the files by the name of their part, their id or their URL."""
        if self.file_key is not None:
            upload = files[self.file_key]
            return Term(upload.path, self.weight, self.label or upload.label, self.slice)
        if self.item_id is not None:
            return Term(ItemRef(self.item_id, self.segment), self.weight, slice=self.slice)
        return Term(self.text if self.text is not None else tuple(self.vector or ()), self.weight)


def _kind(given: Any) -> str:
    """Return the form of an expression. Other values are parsed as a term, which gives an error."""
    if isinstance(given, list):
        return "<sum>"
    named = [name for name in ("and", "or", "not", "then") if isinstance(given, dict) and name in given]
    return f"<{named[0]}>" if named else "<term>"


ExpressionIn = Annotated[
    Annotated[TermIn, Tag("<term>")]
    | Annotated[list[TermIn], Field(min_length=1, max_length=MAX_TERMS), Tag("<sum>")]
    | Annotated["AndIn", Tag("<and>")]
    | Annotated["OrIn", Tag("<or>")]
    | Annotated["NotIn", Tag("<not>")]
    | Annotated["ThenIn", Tag("<then>")],
    Discriminator(_kind),
]
# Parts that pydantic adds to the location of an error, and that are not in the JSON.
TAGS = frozenset({"<term>", "<sum>", "<and>", "<or>", "<not>", "<then>"})
Operands = Annotated[list[ExpressionIn], Field(min_length=2, max_length=MAX_TERMS)]


class AndIn(Strict):
    """All operands match in one segment."""

    operands: Operands = Field(alias="and")

    def expression(self, files: Mapping[str, Upload]) -> And:
        """Return the AND."""
        return And(tuple(expression(each, files) for each in self.operands))


class OrIn(Strict):
    """Any operand matches."""

    operands: Operands = Field(alias="or")

    def expression(self, files: Mapping[str, Upload]) -> Or:
        """Return the OR."""
        return Or(tuple(expression(each, files) for each in self.operands))


class NotIn(Strict):
    """The operand does not match."""

    operand: ExpressionIn = Field(alias="not")

    @property
    def operands(self) -> "tuple[Any, ...]":
        """Its only operand."""
        return (self.operand,)

    def expression(self, files: Mapping[str, Upload]) -> Not:
        """Return the NOT."""
        return Not(expression(self.operand, files))


class ThenIn(Strict):
    """The operands match one after the other within one sound or video."""

    operands: Operands = Field(alias="then")

    def expression(self, files: Mapping[str, Upload]) -> Then:
        """Return the THEN."""
        return Then(tuple(expression(each, files) for each in self.operands))


def expression(given: Any, files: Mapping[str, Upload]) -> Expression:
    """Return the expression that was sent."""
    if isinstance(given, list):
        terms = tuple(term.expression(files) for term in given)
        return terms[0] if len(terms) == 1 else Sum(terms)
    found: Expression = given.expression(files)
    return found


def terms_of(given: Any) -> Iterator[TermIn]:
    """Yield every term of an expression, from left to right."""
    if isinstance(given, TermIn):
        yield given
    else:
        for operand in given if isinstance(given, list) else given.operands:
            yield from terms_of(operand)


def bounded(given: Any) -> Any:
    """Refuse an expression that has too many terms or is too deep."""
    if (count := sum(1 for _ in terms_of(given))) > MAX_TERMS:
        raise ValueError(f"has {count} terms, at most {MAX_TERMS} are allowed")
    if (depth := _depth(given)) > MAX_DEPTH:
        raise ValueError(f"is {depth} operators deep, at most {MAX_DEPTH} are allowed")
    return given


def _depth(given: Any) -> int:
    if isinstance(given, list | TermIn):
        return 0
    return 1 + max(_depth(operand) for operand in given.operands)


class Body(Strict):
    """The JSON object of a request, which may name multipart parts with `files`; at most `max_json` bytes."""

    max_json: ClassVar[int] = 256 << 10

    @property
    def files(self) -> set[str]:
        """The parts of the request that it names."""
        return set()

    @property
    def upload_ids(self) -> set[str]:
        """The kept uploads that it names."""
        return set()

    @property
    def urls(self) -> set[str]:
        """The URLs that the server must fetch."""
        return set()


class Asking(Body):
    """A request with an expression."""

    query: Annotated[ExpressionIn, AfterValidator(bounded)]

    @property
    def files(self) -> set[str]:
        """The parts of the request that it names."""
        return {term.file for term in terms_of(self.query) if term.file is not None}

    @property
    def upload_ids(self) -> set[str]:
        """The kept uploads that it names."""
        return {term.upload_id for term in terms_of(self.query) if term.upload_id is not None}

    @property
    def urls(self) -> set[str]:
        """The URLs that the server must fetch."""
        return {term.url for term in terms_of(self.query) if term.url is not None}
