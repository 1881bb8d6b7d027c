"""A card that answers as a recorded one did, and says where a program leaves the record.

`script` is what a trace asks for, `matching` says whether a command is the expected one, `card`
plays.
"""

from host.replay.card import Departure, ReplayCard, cards_of
from host.replay.matching import Tolerance

__all__ = ["Departure", "ReplayCard", "Tolerance", "cards_of"]
