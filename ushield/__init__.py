"""A USB bank key in software: its body, its reader and its command line.

``device`` is the key's body, ``reader`` what it is plugged into, ``cli`` the command line. The
chip is the package ``applet``, the computer's side ``host``, their language ``apdu``. Nothing is
imported here, so that ``import ushield`` costs nothing.
"""

__version__ = "0.1.0"
