"""What a user waits for: python bench/everyday.py demo/corpus

Indexes a folder into a new data directory, indexes it again, asks one text cold (a new process) and then warm (an open
engine), each as a user would. Needs the weights (`omnisearch models pull`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine

TEXTS = ("a dog", "rain on a roof", "a wooden chair", "an old train", "somebody playing the piano")


def command(*arguments: str) -> float:
    """Run `omnisearch` in a process of its own; return its seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "omnisearch", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print one JSON object, seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        found = {
            "index": command("index", str(folder), "--data-dir", place),
            "index again": command("index", str(folder), "--data-dir", place),
            "search, cold": median(command("search", text, "--data-dir", place) for text in TEXTS),
        }
        with Engine.open(load_settings(data_dir=place)) as engine:
            engine.search(Query(Term("warm up")))
            answers = [engine.search(Query(Term(text))) for text in TEXTS]
        found["search, warm"] = median(answer.took_ms["total"] for answer in answers) / 1000
    print(json.dumps({name: round(seconds, 3) for name, seconds in found.items()}))


if __name__ == "__main__":
    main()
