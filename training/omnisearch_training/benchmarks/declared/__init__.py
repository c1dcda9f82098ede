"""One file per benchmark, each with one `BENCHMARK`."""
