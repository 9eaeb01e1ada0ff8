"""What an adversary without the key tries, each attack a function of a System; :mod:`.bench` runs them all."""
