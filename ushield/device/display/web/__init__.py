"""The displays as a page for a browser on the same machine.

Rooms: ``app`` (the page, its live connection, and requests as on the control socket), ``guard``
(who may ask), ``server`` (the thread that answers); the page itself is in ``page/``.
"""
