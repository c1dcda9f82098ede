"""Train a bound model from unpaired collections, with the method of the OmniBind paper."""
