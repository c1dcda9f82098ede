"""Images: one module per family of formats, and what all of them share."""
