"""`python -m omnisearch` is the `omnisearch` command."""

from omnisearch.cli.main import run

if __name__ == "__main__":
    run()
