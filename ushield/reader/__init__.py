"""The reader: how a card is plugged into PC/SC."""
