"""Image decoders: one module per family of formats, and modules that they share."""
