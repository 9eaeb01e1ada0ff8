"""Keyed mixing alone, the floor for every cipher that is learned over it: :mod:`.system`."""
