"""What an adversary without the key tries, each a function of a System; :mod:`.bench` runs them all."""
