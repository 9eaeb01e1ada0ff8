"""A page to try jaxcrypt in: photo in, cipher out, and back; on the loopback address."""
