"""The logistic-map cipher made sound in its own terms, lossless: permutation and diffusion, keyed and nonced.

The picture is a run of 32-bit words, cut into tiles. With a fresh subkey for every picture (its nonce):

1. T, a keyed universal hash of all words and the shape, through a PRF: the *digest*, 128 bits, in the
   encrypted header. It is a synthetic IV (Rogaway and Shrimpton, 2006): one changed pixel changes the whole
   cipher picture even under one and the same subkey, and tampering shows, since the digest no longer fits.
2. A keyed permutation of the words within the tile.
3. Three Feistel rounds between even and odd words; the round function is three steps of the logistic map, its
   keys are middle bits of logistic orbits. Any damaged word of a pair decodes to noise in both.
4. XOR with ChaCha20 under a key that follows from the subkey and the digest.

The last ``M mod 4`` bytes of a picture of M bytes pass through step 4 only, as does all of a picture below
four.

:mod:`.tiles` is that as array code for any device; :mod:`.host` the same bits with NumPy, for small pictures
where JAX has not been started.
"""
