"""Holding the dialogues of ``vectors`` with a card, any card, and reporting what came of it.

``survey`` asks the card what it has (its ``keys``, ``pins``, ``piv``), ``reach`` finds what a
dialogue works on, and ``choose`` puts the two together. ``holding`` is one dialogue with one card,
``guard`` keeps the last try of a PIN, ``runner`` holds them all. ``outcome`` is what comes of it,
``decode`` and ``words`` say it, and ``report_json``, ``report_junit`` and ``report_html`` write it
down.
"""
