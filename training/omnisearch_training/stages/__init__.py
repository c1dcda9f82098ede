"""The stages of a training run, in this order: features, heads, pseudo pairs, projectors, routers, calibration."""
