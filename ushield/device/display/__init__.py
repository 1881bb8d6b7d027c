"""The display and the buttons of a key of the second generation.

Rooms: ``model`` (kinds of display, as data), ``panel`` (what is on the display, and which press
counts), ``key`` (a card with a panel), ``reading`` (a question as a person reads it), ``script``
(rules, or a function, that press the buttons), ``hand`` (who carries them out), ``picture`` (the
display as SVG), ``web`` and ``terminal`` (faces).
"""
