"""The card operating system: it serves any applet and knows none.

Rooms: ``card`` (power, dispatch, chaining, status words at the edge), ``store`` (the non-volatile
memory's contract), ``files``, ``pins``, ``keys``, ``access`` (who may do what) and ``lifecycle``.
"""
