"""Sealed pictures made and opened: bytes in, bytes out."""
