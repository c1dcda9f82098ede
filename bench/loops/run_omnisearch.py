"""Index pictures and search them with omnisearch itself."""

from bench.loops import encoder, measured
from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch_indexer.session import index_files


def main() -> None:
    """Run the loop once."""
    given = measured.arguments()
    settings = load_settings(model="mini", data_dir=given.place)
    encoder.model()  # loads the towers, which all models of a process share
    opened: list[Engine] = []

    def index() -> None:
        report = index_files([given.folder], settings)
        assert report.failed == 0, report

    def search(text: str) -> int:
        if not opened:
            opened.append(Engine.open(settings))
        return len(opened[0].search(Query(Term(text), limit=measured.K, fold=False)).hits)

    measured.measure(given.folder, given.place, index, search).write(given.place)
    for engine in opened:
        engine.close()


if __name__ == "__main__":
    main()
