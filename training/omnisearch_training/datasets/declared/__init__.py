"""One file per dataset, each with one `DECLARATION`."""
