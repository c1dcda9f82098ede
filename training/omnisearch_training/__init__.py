"""From unpaired collections to a bound model, after the OmniBind paper."""
