"""The computer's side of a PIV token (NIST SP 800-73-4), known by its bytes only.

``client`` is what the holder does, ``manage`` what whoever has the management key does,
``personalise`` makes a token of a card from the factory, ``objects`` writes and reads its data.
"""
