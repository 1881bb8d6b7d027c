"""Asking the holder, at the key itself: a question is drawn, a button answers it.

Rooms: ``statement`` (what a question says), ``glyphs`` (what the display can draw), ``words`` (what
the chip itself says, in each language), ``pages`` (a statement on a display of a given size) and
``desk`` (the rules, the buttons, and how the last question ended).
"""
