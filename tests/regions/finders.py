"""Finders for ``--roi tests.regions.finders:NAME``."""

import numpy as np


def bright(picture):
    """A mask of what is bright."""
    return picture.mean(axis=2) > 150


def corner(picture):
    """One box."""
    return [(0, 0, 4, 3)]


def nothing(picture):
    """Never anything."""
    return np.zeros(picture.shape[:2], bool)


def wrong(picture):
    """No region at all."""
    return 5
