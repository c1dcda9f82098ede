"""The truth of the corpus: what is in each file, and the questions that have one right answer, as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


def truth_file(root: Path) -> Path:
    """Return the file of the truth of a corpus. It is beside the corpus, because it would be found with it."""
    return root.with_name(f"{root.name}-truth.json")


@dataclass(frozen=True)
class Question:
    """A query with the file that answers it.

    `within` is what the words are in: picture, frame, speech, page, document, or tags. The answer is between `start`
    and `end` in seconds, on a `page` counted from 1, or in a `box` (left, top, width, height) in shares of the sides.
    `where` are conditions as on the command line; then all `files` are right, and no others.
    """

    text: str
    files: tuple[str, ...]
    within: str
    kind: str
    language: str = ""
    start: float | None = None
    end: float | None = None
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    where: tuple[str, ...] = ()


@dataclass
class Truth:
    """All questions, and the files without any words. Paths are relative to the corpus."""

    seed: int
    questions: list[Question] = field(default_factory=list)
    wordless: list[str] = field(default_factory=list)

    def write(self, root: Path) -> None:
        """Write it. It is written last, so it means that the corpus is complete."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        truth_file(root).write_text(text + "\n", encoding="utf-8")


def read_truth(root: Path) -> Truth:
    """Read the truth of a corpus.

    Raises:
        OSError: there is none, so the corpus is not complete.
    """
    known: dict[str, Any] = json.loads(truth_file(root).read_text(encoding="utf-8"))
    questions = [Question(**{name: _frozen(value) for name, value in row.items()}) for row in known["questions"]]
    return Truth(known["seed"], questions, known["wordless"])


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
