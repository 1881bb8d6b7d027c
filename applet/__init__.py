"""The chip: a card operating system (``applet.os``) and the applets that run on it.

No socket, file, clock or randomness of its own is in here: memory and entropy are passed in,
bytes go in and bytes come out.
"""
