"""Families of pretrained encoders, one file each: the inputs of their towers, and the networks."""
