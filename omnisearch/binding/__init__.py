"""OmniBind: projectors map every space into one shared space, and routers weight them per input."""
