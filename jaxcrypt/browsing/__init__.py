"""A folder of sealed pictures looked through with its key: all in memory, nothing on disk."""
