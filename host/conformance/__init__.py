"""Holding the dialogues of ``vectors`` with a card, any card, and reporting what came of it.

``survey`` asks the card what it has, ``reach`` finds what a dialogue works on, ``choose`` puts the
two together, ``guard`` keeps the last try of a PIN, ``runner`` holds the dialogues, ``outcome`` is
what comes of them and ``decode`` puts their steps into words; ``report_json``, ``report_junit``
and ``report_html`` write it down.
"""
