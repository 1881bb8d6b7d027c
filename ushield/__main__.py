"""``python -m ushield`` is the program ``ushield``."""

from ushield.cli import main

main()
