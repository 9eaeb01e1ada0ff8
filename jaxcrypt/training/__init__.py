"""One loop, one step, one state and one checkpoint format for every System. Imports no System."""
