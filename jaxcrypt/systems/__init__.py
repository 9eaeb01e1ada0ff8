"""Every technique as a System; :mod:`jaxcrypt.systems.catalog` knows them by name."""
