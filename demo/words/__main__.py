"""Write the corpus of words in media: `python -m demo.words DIR [--small] [--seed N]`."""

import argparse
from pathlib import Path

from demo.words.corpus import SMALL, Sizes, build
from demo.words.truth import truth_file
from demo.words.voices import speaker
from omnisearch.cli.console import err
from omnisearch_training.datasets.fetch import datasets_dir


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.words", description=__doc__)
    parser.add_argument("dir", type=Path, help="the folder to fill; it must be empty or new")
    parser.add_argument("--small", action="store_true", help="a few files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    root = asked.dir.resolve()
    if root.exists() and any(root.iterdir()):
        parser.error(f"{root} is not empty")
    with speaker(datasets_dir()) as said:
        truth = build(root, datasets_dir(), said, asked.seed, SMALL if asked.small else Sizes())
    err.print(f"{len(truth.questions)} questions in {truth_file(root)}")


if __name__ == "__main__":
    main()
