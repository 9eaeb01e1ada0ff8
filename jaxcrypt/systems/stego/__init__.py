"""Pictures hidden in a picture."""
