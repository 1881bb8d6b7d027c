"""Private keys inside the chip: made or imported, used, never given out.

``rsa`` and ``ec`` hold the two kinds, ``encoding`` tells an encoded signature from any other RSA
block, ``importing`` puts a key together from its parts, ``keystore`` keeps them in the memory, and
``entropy`` is where randomness and new keys come from.
"""
