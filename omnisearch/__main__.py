"""`python -m omnisearch` is the `omnisearch` command."""

from omnisearch.cli import main

if __name__ == "__main__":
    main()
