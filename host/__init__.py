"""The computer's side of a token: it knows a card by its bytes only.

Rooms: ``transport`` with ``memory`` and ``pcsc`` (the way to a card), ``exchange``, ``trace`` and
``link`` (one command, with all it takes), ``client`` (what the holder does; ``view``: without a
PIN), ``keys`` (a token's keys for the `cryptography` package), ``manage`` and ``personalise``
(making a token), ``piv`` (the same for PIV), ``overview`` (a card of either kind at a glance),
``doctor`` (what the computer itself needs), ``errors`` (everything that may be raised).
"""
