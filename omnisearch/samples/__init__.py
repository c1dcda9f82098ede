"""Things that we drew, synthesised and modelled ourselves, with their names in six languages."""
