"""The table of coverage adds the files of a room up."""

from tests.coverage_table import table


def summary(statements: int, ran: int) -> dict[str, dict[str, int]]:
    return {"summary": {"num_statements": statements, "covered_lines": ran}}


def test_a_room_is_the_sum_of_its_files() -> None:
    files = {
        "omnisearch/config.py": summary(10, 5),
        "/clone/omnisearch/omnisearch/search/engine.py": summary(30, 30),
        "omnisearch/search/rank/nms.py": summary(10, 0),
        "indexer/omnisearch_indexer/session.py": summary(50, 50),
    }
    assert [line.split() for line in table(files)] == [
        ["room", "statements", "run"],
        ["omnisearch", "10", "50.0%"],
        ["omnisearch/search", "40", "75.0%"],
        ["omnisearch_indexer", "50", "100.0%"],
        ["all", "100", "85.0%"],
    ]
