"""One file for each family of pretrained encoders: what its towers read, and how they are built."""
