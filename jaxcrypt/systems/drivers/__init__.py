"""How host pictures of any size and shape go through a System."""
