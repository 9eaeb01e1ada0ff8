"""Reading binary fields of bounded size, strictly."""

from __future__ import annotations

import struct


class Malformed(Exception):
    """Bytes that no writer of this format makes. The facade turns it into a Refusal."""


class Cursor:
    """A place in some bytes; every read past their end is Malformed."""

    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise Malformed("a field runs past the end")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def unpack(self, layout: str) -> tuple:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def left(self) -> int:
        return len(self._data) - self._at

    def finish(self) -> None:
        """Malformed unless everything was read."""
        if self.left():
            raise Malformed("bytes follow the last field")
