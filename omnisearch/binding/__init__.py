"""OmniBind: projectors bring every space into one, routers weigh them per input."""
