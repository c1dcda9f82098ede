"""Suggestions for what a user types."""

from pydantic import BaseModel


class SuggestionOut(BaseModel):
    """A text that occurs in a field of `count` items.

    `field` is `name` (the name of a file), `keywords`, or the field of the condition FIELD:TEXT: `tag`, `meta.KEY`,
    `place`, `camera`, `lens`, `artist`, `album` or `genre`.
    """

    text: str
    field: str
    count: int


class SuggestionsOut(BaseModel):
    """Suggestions, the best first. Unless `exact` is true, they and their counts come from a sample of the items."""

    suggestions: list[SuggestionOut]
    exact: bool
